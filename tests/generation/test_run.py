"""The run's state machine, asked everything it can be asked."""

import itertools

import pytest

from moneyer_generation.rules.run import CANCELLABLE, MOVES, UNPAID, Progress, may_move, next_step, outcome_of

STATES = [
    "denied",
    "queued",
    "redeemed",
    "fitting",
    "fitted",
    "quarantined",
    "assaying",
    "released",
    "rejected",
    "failed",
    "cancelled",
    "measured",
]


def run(state: str, **changes: object) -> Progress:
    redeemed = state not in UNPAID
    values = {
        "guarantee": "proven",
        "redeemed": redeemed,
        "settled": False,
        "model_sealed": False,
        "cancel_requested": False,
    }
    return Progress(state=state, **(values | changes))


@pytest.mark.parametrize(
    ("progress", "step"),
    [
        (run("queued"), "make"),
        (run("redeemed"), "make"),
        (run("fitting"), "fail-interrupted"),
        (run("fitting", model_sealed=True), "make"),
        (run("fitting", guarantee="none"), "make"),
        (run("fitting", guarantee="claimed"), "fail-interrupted"),
        (run("fitted", model_sealed=True), "make"),
        (run("quarantined"), "settle"),
        (run("quarantined", settled=True), "assay"),
        (run("assaying", settled=True), "conclude"),
        (run("failed"), "settle"),
        (run("failed", settled=True), "rest"),
        (run("failed", redeemed=False), "rest"),
        (run("cancelled"), "settle"),
        (run("released", settled=True), "rest"),
        (run("rejected", settled=True), "rest"),
        (run("denied"), "rest"),
        (run("queued", cancel_requested=True), "cancel"),
        (run("fitting", cancel_requested=True), "cancel"),
        (run("assaying", cancel_requested=True, settled=True), "conclude"),
    ],
)
def test_the_next_step(progress: Progress, step: str) -> None:
    assert next_step(progress) == step


def test_every_state_has_a_step_and_ends_rest_once_settled() -> None:
    for state, settled, sealed, cancel in itertools.product(STATES, *[[False, True]] * 3):
        step = next_step(run(state, settled=settled, model_sealed=sealed, cancel_requested=cancel))
        if state not in MOVES and (settled or state in {"denied", "released", "rejected"}):
            assert step == "rest"


def test_ends_are_ends() -> None:
    for before, after in itertools.product(STATES, STATES):
        if before not in MOVES:
            assert not may_move(before, after)
    assert all(may_move(state, "cancelled") for state in CANCELLABLE)
    assert not may_move("quarantined", "released"), "nothing is released without an assay"
    assert not may_move("fitting", "quarantined"), "a model is sealed before anything is sampled from it"


def test_a_measurement_ends_without_an_asset_and_its_permit_is_settled_so() -> None:
    assert may_move("fitted", "measured")
    assert not may_move("quarantined", "measured")
    assert not may_move("measured", "quarantined"), "what was measured is no table, and is never released"
    assert next_step(run("measured")) == "settle"
    assert next_step(run("measured", settled=True)) == "rest"
    assert outcome_of("measured") == "measured"
