"""synthcity's private plugins: they claim an ε, and we say what is missing for a proof.

Two traps are closed here for all of them: their default seed, which would make the noise the same in every run,
is replaced by fresh entropy of the operating system whatever a plan says; and what they fitted is sealed as a
source is, for it may hold rows.
"""

import secrets
from collections.abc import Mapping, Sequence

import pyarrow as pa

from mintmark_generation.generators.protocol import Parameters, ParameterSpec, Report, unit_of
from mintmark_generation.generators.synthcity_plugin import FittedPlugin, SynthcityEngine
from mintmark_shared.contracts.generation import SourceDeclaration
from mintmark_shared.contracts.policy import Guarantee, Mechanism


class ClaimedEngine(SynthcityEngine):
    """A plugin that is charged the ε it claims."""

    def __init__(
        self,
        name: str,
        group: str,
        description: str,
        parameters: Mapping[str, ParameterSpec],
        *,
        cost: str,
        covers: str,
        gaps: Sequence[str],
        most_columns: int = 500,
    ) -> None:
        super().__init__(name, group, description, parameters, cost=cost, most_columns=most_columns)
        self.covers = covers
        self.gaps = gaps

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee:
        return Guarantee(
            level="claimed",
            unit=unit_of(declaration),
            statement=(
                f"The library claims ε = {parameters['epsilon']} for one row; that covers {self.covers}. "
                "Nobody has proved it for the released table."
            ),
            gaps=list(self.gaps),
        )

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
        group = declaration.privacy_unit.maximum_rows
        return Mechanism(kind="claimed", epsilon=str(parameters["epsilon"]), group_size=group)

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,  # noqa: ARG002 - noise is never seeded
        report: Report,
    ) -> FittedPlugin:
        return super().fit(table, declaration, parameters, secrets.randbelow(2**31), report)
