"""What is known of a released table without reading a row of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.store.runs import Run
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.shape import Constraint

Json = dict[str, Any]
ORIGINS = ["real", "synthetic"]
ROLES = {
    "protected": "a protected attribute",
    "sensitive": "sensitive",
    "quasi-identifier": "a quasi-identifier",
    "identifier": "identifiers, invented: nothing of them was learned",
}


@dataclass(frozen=True)
class Granted:
    """What a reader may use a table for, and until when."""

    use_case: str
    valid_until: datetime


@dataclass(frozen=True)
class Terms:
    """The charter in force, and what it grants the reader."""

    charter: Json
    """A version of a charter as policy tells it: ``id``, ``version``, ``digest``, ``document``."""
    grants: Sequence[Granted]

    @property
    def document(self) -> Json:
        found: Json = self.charter["document"]
        return found

    @property
    def uses(self) -> dict[str, str]:
        """The use cases the reader holds a grant for, each with the charter's words on it."""
        described = {one["name"]: one["description"] for one in self.document["use_cases"]}
        return {one.use_case: described.get(one.use_case, one.use_case) for one in self.grants}


@dataclass(frozen=True)
class Description:
    """A released table, its columns as they are declared, and what it may be used for."""

    run: Run
    file: AssetFile
    columns: Sequence[Column]
    constraints: Sequence[Constraint]
    terms: Terms

    @classmethod
    def of(cls, run: Run, file: AssetFile, declaration: SourceDeclaration, terms: Terms) -> "Description":
        """Of a run's table; a blend may have a further column that says where each row comes from."""
        columns, made = list(declaration.made), {column.name for column in declaration.made}
        if run.plan.blend is not None and run.plan.blend.provenance_column is not None:
            origin = CategoricalDomain(kind="categorical", categories=ORIGINS)
            columns.append(Column(name=run.plan.blend.provenance_column, domain=origin))
        kept = [one for one in declaration.constraints if {one.left, one.right} <= made]
        return cls(run, file, columns, kept, terms)

    @property
    def asset(self) -> str:
        return str(self.run.id)

    @property
    def iri(self) -> str:
        return f"https://moneyer.dev/id/asset/{self.asset}"

    @property
    def title(self) -> str:
        return f"A synthetic table of {self.file.rows} rows: {self.terms.document['title']}"

    @property
    def limitations(self) -> str:
        """What is not to be expected of it, in one text."""
        guarantee = self.run.offer.guarantee
        prohibited = "; ".join(self.terms.document["prohibited_uses"])
        return " ".join([guarantee.statement, *guarantee.gaps, f"Prohibited uses: {prohibited}."])

    @property
    def digests(self) -> str:
        """Where whoever reads this finds what the file is held to."""
        if self.file.delivered is None:
            return "Made before digests of what is handed out were taken: the digest is that of the sealed object."
        return "The digests are of the bytes that a holder of a grant is sent."


def said_of(column: Column) -> str:
    """A column in words: its kind, its role, and what became of real values that its domain does not hold."""
    role = f", {ROLES[column.role]}" if column.role in ROLES else ""
    rule = f"; of the real rows, {column.rule_in_words}" if column.replaces else ""
    return f"{column.domain.kind}{role}{rule}"
