"""How an asset stands: one value, asked in one order, whatever became of the asset and in whichever order."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_policy.assets.rules.standing import AssetStanding
from moneyer_shared.errors import MoneyerError

ASSET = UUID(int=1)
STANDINGS = st.builds(
    AssetStanding,
    asset_id=st.just(ASSET),
    permit_state=st.sampled_from([None, "reserved", "redeemed", "settled", "returned"]),
    permit_outcome=st.sampled_from([None, "quarantined", "failed", "cancelled"]),
    verdict=st.sampled_from([None, "released", "rejected", "review"]),
    is_withdrawn=st.booleans(),
    substitute=st.one_of(st.none(), st.uuids()),
    is_suspended=st.booleans(),
    is_destroyed=st.booleans(),
)
CODES = {
    "retired": "key-destroyed",
    "withdrawn": "asset-withdrawn",
    "suspended": "asset-suspended",
    "rejected": "not-released",
}


def refused(check: Callable[[], None]) -> str | None:
    """The code of a refusal; None where nothing is refused."""
    try:
        check()
    except MoneyerError as error:
        return error.problem_code
    return None


@given(STANDINGS)
def test_an_asset_is_read_where_its_one_word_is_released_and_nowhere_else(standing: AssetStanding) -> None:
    quarantined = "not-found" if standing.verdict is None else "not-released"
    told = {**CODES, "quarantined": quarantined}
    assert refused(standing.check_readable) == told.get(standing.state)
    assert (refused(standing.check_readable) is None) == (standing.state == "released")


@given(STANDINGS, st.sampled_from(["is_withdrawn", "is_suspended", "is_destroyed"]))
def test_nothing_that_happens_to_an_asset_opens_it(standing: AssetStanding, happens: str) -> None:
    after = replace(standing, **{happens: True})
    assert refused(after.check_readable) is not None
    if refused(standing.check_substitute) is not None:
        assert refused(after.check_substitute) is not None


@given(STANDINGS)
def test_what_ended_an_asset_outlasts_what_stopped_it(standing: AssetStanding) -> None:
    if standing.is_destroyed:
        assert standing.state == "retired"
    elif standing.is_withdrawn:
        assert standing.state == "withdrawn"
    elif standing.is_suspended:
        assert standing.state == "suspended"
    else:
        assert standing.state == {"released": "released", "rejected": "rejected"}.get(
            standing.verdict or "", "quarantined"
        )


@given(STANDINGS)
def test_what_stands_in_can_be_read_once_it_is_not_suspended(standing: AssetStanding) -> None:
    fit = refused(standing.check_substitute) is None
    assert fit == (refused(replace(standing, is_suspended=False).check_readable) is None)


@given(STANDINGS)
def test_an_asset_is_decided_on_once_and_looked_at_again_only_when_it_is_out(standing: AssetStanding) -> None:
    assert (refused(standing.check_undecided) is None) == (standing.verdict is None)
    assert (refused(lambda: standing.check_out("assayed")) is None) == (standing.verdict == "released")
    assert (refused(standing.check_released) is None) == (standing.verdict == "released")
    assert (refused(standing.check_withdrawn) is None) != (refused(standing.check_not_withdrawn) is None)


@given(STANDINGS)
def test_a_run_that_was_not_paid_for_left_no_table(standing: AssetStanding) -> None:
    redeemed = standing.permit_state in {"redeemed", "settled"}
    assert standing.is_paid == (redeemed and standing.permit_outcome not in {"failed", "cancelled"})
    assert (refused(standing.check_paid) is None) == standing.is_paid


@pytest.mark.parametrize("ended", [{"is_withdrawn": True}, {"is_withdrawn": True, "is_destroyed": True}])
def test_who_may_not_read_an_ended_asset_is_told_what_to_use(ended: dict[str, bool]) -> None:
    better = uuid4()
    standing = AssetStanding(ASSET, verdict="released", substitute=better, **ended)
    with pytest.raises(MoneyerError, match=f"Use asset {better} instead"):
        standing.check_readable()
