"""A permit's life: reserved, then redeemed and settled, or returned. Only the unredeemed returns (I5)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from moneyer_shared.errors import Conflict, Forbidden

PermitState = Literal["reserved", "redeemed", "settled", "returned"]


@dataclass(frozen=True)
class Permit:
    """The single-use right to run one plan."""

    id: str
    run_id: str
    plan_digest: str
    state: PermitState
    expires_at: datetime
    redemption_key: str | None


def made_an_asset(state: str, outcome: str | None) -> bool:
    """Whether a paid run may have left a table behind: redeemed, and not ended without one."""
    return state in {"redeemed", "settled"} and outcome not in {"failed", "cancelled", "measured"}


def check_redemption(permit: Permit, *, plan_digest: str, redemption_key: str, now: datetime) -> bool:
    """Whether this redemption spends (True) or repeats the one that did (False).

    Raises:
        Forbidden: the permit was given for another plan.
        Conflict: it was redeemed by another run, has ended, or expired unredeemed.
    """
    if plan_digest != permit.plan_digest:
        raise Forbidden("The permit is bound to another plan.", code="permit-for-another-plan")
    if permit.state == "redeemed" and permit.redemption_key == redemption_key:
        return False
    if permit.state in {"redeemed", "settled"}:
        raise Conflict("The permit has been redeemed.", code="permit-redeemed")
    if permit.state == "returned" or now >= permit.expires_at:
        raise Conflict("The permit has expired; its reservation returns.", code="permit-expired")
    return True
