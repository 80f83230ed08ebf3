"""synthcity's private plugins: they claim an ε, and we say what is missing for a proof.

Three traps are closed here for all of them: their default seed, which would make the noise the same in every run,
is replaced by fresh entropy of the operating system whatever a plan says; the δ they run at is the one the plan
states, never one they think of themselves; and what they fitted is sealed as a source is, for it may hold rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from moneyer_generation.generators.entropy import fresh_entropy
from moneyer_generation.generators.protocol import (
    OUTSIDE,
    CannotLearn,
    Capacity,
    Parameters,
    ParameterSpec,
    Report,
    claimed_amounts,
    unit_of,
)
from moneyer_generation.generators.synthcity_plugin import IN_PLACES, FittedPlugin, SynthcityEngine
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Mechanism


class ClaimedEngine(SynthcityEngine):
    """A plugin that is charged the (ε, δ) it claims."""

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
        capacity: Capacity = IN_PLACES,
    ) -> None:
        super().__init__(name, group, description, parameters, cost=cost, capacity=capacity)
        self.covers = covers
        self.gaps = gaps

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee:
        epsilon, delta = claimed_amounts(declaration, parameters)
        return Guarantee(
            level="claimed",
            unit=unit_of(declaration),
            epsilon=epsilon,
            delta=delta,
            statement=(
                f"The library claims ({parameters['epsilon']}, {parameters['delta']})-differential privacy of one row; "
                f"that covers {self.covers}. Nobody has proved it for the table that is made. {OUTSIDE}"
            ),
            gaps=list(self.gaps),
        )

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
        return claimed_mechanism(declaration, parameters)

    def _loader(self, table: pa.Table, declaration: SourceDeclaration) -> tuple[Any, dict[str, Any]]:
        """As for any plugin.

        Raises:
            CannotLearn: no column varies; to repeat the one row there is would be outside of any mechanism.
        """
        loader, constants = super()._loader(table, declaration)
        if loader is None:
            raise CannotLearn("no column of the source varies, so that there is nothing to learn privately")
        return loader, constants

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,  # noqa: ARG002 - noise is never seeded
        report: Report,
    ) -> FittedPlugin:
        self.warm()
        with fresh_entropy():
            return super().fit(table, declaration, parameters, None, report)


def claimed_mechanism(declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
    """What the plan states for one row; policy charges for as many as a unit owns."""
    return Mechanism(
        kind="claimed",
        epsilon=str(parameters["epsilon"]),
        delta=str(parameters["delta"]),
        group_size=declaration.privacy_unit.maximum_rows,
    )
