"""Models, what they were trained on, and their figures."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.documents import Text as LongText
from moneyer_shared.contracts.owners import Owner

ModelName = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^/\x00-\x1f\x7f]+$")]
VersionName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/@\x00-\x1f\x7f]+$")]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
MetricName = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$")]
Subgroup = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
MOST_FIGURES = 1000


class ModelRequest(Document):
    """``owner``: who is told when an asset it was trained on is stopped; whoever registers it if none is given.

    ``shared_with``: who besides the owner may tell of its versions and figures; left as it is if not given.
    """

    owner: Name | None = None
    shared_with: Annotated[list[Owner], Field(max_length=50)] | None = None
    description: Text = ""


class Model(Document):
    name: str
    owner: str
    shared_with: list[str]
    description: str
    registered_at: Moment


class TrainingRequest(Document):
    """What a version was trained on. Say it again with more assets and they are added; none is ever taken away."""

    assets: Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    trained_at: Moment
    uri: Annotated[Text | None, Field(description="Where the model is kept.")] = None


class ModelVersion(Document):
    model: str
    version: str
    uri: str | None
    assets: list[UUID]
    trained_at: Moment
    registered_at: Moment


class Measurement(Document):
    """A figure of a version, of everybody or of a subgroup such as ``sex=female``, with its interval if it has one."""

    metric: MetricName
    subgroup: Subgroup = ""
    measured_at: Moment
    value: FiniteFloat
    lower: FiniteFloat | None = None
    upper: FiniteFloat | None = None
    n: Annotated[int | None, Field(ge=1, lt=2**31)] = None

    @model_validator(mode="after")
    def _in_order(self) -> "Measurement":
        ends = [end for end in (self.lower, self.value, self.upper) if end is not None]
        if ends != sorted(ends):
            message = "lower, value and upper must be in this order"
            raise ValueError(message)
        return self

    @property
    def of(self) -> tuple[object, ...]:
        """What it is a figure of: told again, the same must be said of it."""
        return self.metric, self.subgroup, self.measured_at

    @property
    def said(self) -> tuple[object, ...]:
        return self.value, self.lower, self.upper, self.n


class Measurements(Document):
    figures: Annotated[list[Measurement], Field(min_length=1, max_length=MOST_FIGURES)]

    @model_validator(mode="after")
    def _each_once(self) -> "Measurements":
        if len({one.of for one in self.figures}) < len(self.figures):
            message = "each metric, subgroup and time may be told once"
            raise ValueError(message)
        return self


class Figure(Measurement):
    id: UUID


class Kept(Document):
    kept: int


class RegistryEvent(BaseModel):
    """What MLflow posts; what a later version adds is left alone."""

    model_config = ConfigDict(extra="ignore")

    entity: str
    action: str
    timestamp: Moment
    data: Json


class RegisteredElsewhere(BaseModel):
    """What of it must be of the shape that models have here."""

    name: ModelName
    owner: Owner | None
    version: VersionName | None
    uri: LongText | None
