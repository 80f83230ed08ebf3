"""How an asset stands: said once of each, and read by all that may be asked, decided or opened of it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from moneyer_policy.gate.rules.permit import made_an_asset
from moneyer_shared.errors import Conflict, Forbidden, Gone, Invalid, MoneyerError, NotFound

State = Literal["quarantined", "released", "rejected", "suspended", "withdrawn", "retired"]
Verdict = Literal["released", "rejected", "review"]


@dataclass(frozen=True)
class AssetStanding:
    """What became of an asset by now.

    Attributes:
        permit_state, permit_outcome: of the permit that paid for it; None where no permit was given.
        verdict: what was decided on it last; None before.
        is_withdrawn: that a vote ended its use; ``substitute`` is what to use instead by now.
        is_suspended: that at least one suspension of it is not lifted.
        is_destroyed: that its key opens nothing any more.
    """

    asset_id: UUID
    permit_state: str | None = None
    permit_outcome: str | None = None
    verdict: Verdict | None = None
    is_withdrawn: bool = False
    substitute: UUID | None = None
    is_suspended: bool = False
    is_destroyed: bool = False

    @property
    def state(self) -> State:
        """The one word for it: what ended it for good outlasts what stopped it, and that what was decided before."""
        if self.is_destroyed:
            return "retired"
        if self.is_withdrawn:
            return "withdrawn"
        if self.is_suspended:
            return "suspended"
        match self.verdict:
            case "released" | "rejected" as decided:
                return decided
            case _:
                return "quarantined"

    @property
    def is_paid(self) -> bool:
        """That a paid run may have left a table behind."""
        return self.permit_state is not None and made_an_asset(self.permit_state, self.permit_outcome)

    # --- before and at the decision ------------------------------------------------------------

    def check_undecided(self) -> None:
        """Raises Conflict: it was decided on."""
        if self.verdict is not None:
            raise Conflict("The asset has been decided on.", code="already-decided")

    def check_paid(self) -> None:
        """Raises Conflict: no paid run made it."""
        if not self.is_paid:
            raise Conflict("No paid run made this asset.", code="not-redeemed")

    def check_decided(self) -> None:
        """Raises NotFound: nothing was decided on it."""
        if self.verdict is None:
            raise NotFound(f"Asset {self.asset_id} has not been decided on.")

    # --- once it is out --------------------------------------------------------------------------

    def check_released(self) -> None:
        """Whether it left quarantine, whatever became of it then.

        Raises:
            NotFound: nothing was decided on it.
            Forbidden: it did not.
        """
        self.check_decided()
        if self.verdict != "released":
            raise Forbidden("The asset was rejected or waits for review, and stays in quarantine.", code="not-released")

    def check_out(self, what: Literal["looked at", "assayed"]) -> None:
        """Whether it is one to look at again: that it was released.

        Raises:
            NotFound: nothing was decided on it.
            Conflict: it was not released.
        """
        self.check_decided()
        if self.verdict != "released":
            raise Conflict(f"Only a released asset is {what} again.", code="not-released")

    def check_not_withdrawn(self) -> None:
        """Raises Conflict: it was withdrawn, which is for good."""
        if self.is_withdrawn:
            raise Conflict("The asset was withdrawn, and stays so.", code="asset-withdrawn")

    def check_withdrawn(self) -> None:
        """Raises Conflict: it was not withdrawn."""
        if not self.is_withdrawn:
            raise Conflict("Only a withdrawn asset is substituted; withdraw it first.", code="not-withdrawn")

    def check_readable(self) -> None:
        """Whether it is out and neither stopped nor ended: that its state is ``released``.

        Raises:
            NotFound: nothing was decided on it.
            Forbidden: it is in quarantine, suspended or withdrawn; then with what to use instead.
            Gone: its key was destroyed.
        """
        instead = f" Use asset {self.substitute} instead." if self.substitute else ""
        match self.state:
            case "retired":
                raise Gone(f"The key of this table was destroyed.{instead}", code="key-destroyed")
            case "withdrawn":
                raise Forbidden(f"The asset was withdrawn.{instead}", code="asset-withdrawn")
            case "suspended":
                raise Forbidden("The asset is suspended while an incident is looked into.", code="asset-suspended")
            case _:
                self.check_released()

    def check_substitute(self) -> None:
        """Whether it may be used instead of another; what stops it for a while is asked beside.

        Raises:
            Invalid: it may not.
        """
        says = f"Asset {self.asset_id} cannot stand in"
        try:
            self.check_released()
        except MoneyerError as error:
            raise Invalid(f"{says}: {error}", code="substitute-unfit") from error
        if self.is_withdrawn or self.is_destroyed:
            raise Invalid(f"{says}: it was withdrawn or retired itself.", code="substitute-unfit")
