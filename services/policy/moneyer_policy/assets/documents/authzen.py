"""Questions of OpenID AuthZEN Authorization API 1.0, and their answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr


class Open(BaseModel):
    """AuthZEN has unknown members ignored, for later versions' sake."""

    model_config = ConfigDict(extra="ignore")


class Entity(Open):
    type: StrictStr
    id: StrictStr
    properties: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Action(Open):
    name: StrictStr
    properties: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Question(Open):
    """May this subject do this to that resource?"""

    subject: Entity
    action: Action
    resource: Entity
    context: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Answer(Open):
    """A decision, or with several questions one for each."""

    decision: bool | None = None
    context: dict[str, Any] | None = None
    evaluations: list[dict[str, Any]] | None = None


ALLOWED = Answer(decision=True)


def denied(*reasons: dict[str, Any]) -> Answer:
    """No, and why not."""
    return Answer(decision=False, context={"reasons": list(reasons)})
