"""What is put up for votes, and what follows: the kinds of review, one entry each.

Another kind is an entry here, and in its wing the ``Matter`` that is put up and what concludes it. The kinds of later
wings stand beside these in ``dependencies.KINDS``.
"""

from collections.abc import Mapping
from uuid import UUID

from moneyer_policy.assets.use_cases import findings, recalls, releases
from moneyer_policy.budgets.use_cases import budgets
from moneyer_policy.charters.use_cases import charters
from moneyer_policy.gate.use_cases import decisions, waivers
from moneyer_policy.library.use_cases import library
from moneyer_policy.reviews.rules.quorum import PRIVACY, PRIVACY_AND_ANOTHER
from moneyer_policy.reviews.use_cases.kinds import Kind
from moneyer_policy.reviews.use_cases.reviews import Decided, Matter


async def _retire(decided: Decided) -> Mapping[str, object]:
    if not decided.approved:
        return {"retired": False}
    subject = UUID(decided.row.document["subject"])
    if decided.row.document["kind"] == "asset":
        await recalls.retire_asset(decided.work, subject)
    else:
        await charters.retire_for_good(decided.work, subject)
    return {"retired": True}


async def _keep_verdict(decided: Decided) -> Mapping[str, object]:
    return {"verdict": decided.state}


def _giver_and_taker(matter: Matter) -> tuple[UUID, ...]:
    return UUID(matter.document["from"]), UUID(matter.document["to"])


def _as_a_charter(matter: Matter) -> tuple[str, ...]:
    """To start a charter again takes what bringing one into force does too."""
    return ("charter",) if matter.subject.startswith("charter:") else ()


KINDS = (
    Kind("charter", PRIVACY_AND_ANOTHER, a_no_withholds=True, conclude=charters.conclude),
    Kind("plan", PRIVACY, a_no_withholds=True, conclude=decisions.conclude),
    Kind("configuration", PRIVACY_AND_ANOTHER, a_no_withholds=False, conclude=library.conclude),
    Kind("grant", PRIVACY, a_no_withholds=True, conclude=releases.conclude_grant),
    Kind("release", PRIVACY, a_no_withholds=True, conclude=releases.conclude_release),
    Kind("blended-release", PRIVACY_AND_ANOTHER, a_no_withholds=True, conclude=releases.conclude_release),
    Kind("retirement", PRIVACY_AND_ANOTHER, a_no_withholds=False, conclude=_retire),
    Kind("exception", PRIVACY_AND_ANOTHER, a_no_withholds=True, conclude=waivers.conclude),
    Kind("budget", PRIVACY_AND_ANOTHER, a_no_withholds=False, conclude=budgets.conclude),
    Kind("transfer", PRIVACY, a_no_withholds=False, conclude=budgets.conclude, charters=_giver_and_taker),
    Kind(
        "resumption",
        PRIVACY_AND_ANOTHER,
        a_no_withholds=True,
        conclude=recalls.conclude_resumption,
        also=_as_a_charter,
    ),
    Kind("break-glass", PRIVACY, a_no_withholds=True, conclude=waivers.conclude_glass),
    Kind("model", PRIVACY, a_no_withholds=True, conclude=_keep_verdict),
    Kind("finding", PRIVACY_AND_ANOTHER, a_no_withholds=True, conclude=findings.conclude),
    Kind("withdrawal", PRIVACY, a_no_withholds=False, conclude=recalls.conclude_withdrawal),
)
