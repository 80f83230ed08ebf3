"""Kinds of review and of deadline: what each takes is written down here a second time, so that none comes unnoticed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import moneyer_policy
from moneyer_policy.charters.rules.charter import REVIEWABLE
from moneyer_policy.dependencies import KINDS
from moneyer_policy.effects.use_cases.calendar import KINDS as DEADLINES
from moneyer_policy.reviews.rules.quorum import PRIVACY, PRIVACY_AND_ANOTHER
from moneyer_policy.reviews.use_cases.kinds import registry
from moneyer_shared.contracts.actions import Action

ALONE, TWO = PRIVACY, PRIVACY_AND_ANOTHER
CASES = {
    "charter": (TWO, True),
    "plan": (ALONE, True),
    "configuration": (TWO, False),
    "grant": (ALONE, True),
    "release": (ALONE, True),
    "blended-release": (TWO, True),
    "retirement": (TWO, False),
    "exception": (TWO, True),
    "budget": (TWO, False),
    "transfer": (ALONE, False),
    "resumption": (TWO, True),
    "incident": (ALONE, False),
    "break-glass": (ALONE, True),
    "model": (ALONE, True),
    "finding": (TWO, True),
    "withdrawal": (ALONE, False),
}
"""The floor, and whether a no gives nobody anything."""
SOURCES = [file.read_text() for file in Path(moneyer_policy.__file__).parent.rglob("*.py")]


def test_every_kind_of_review_has_a_case() -> None:
    assert {name: (kind.floor, kind.a_no_withholds) for name, kind in KINDS.items()} == CASES
    assert set(REVIEWABLE) <= KINDS.keys(), "a charter asks for no quorum of what is never put up"


def test_one_name_is_one_kind() -> None:
    with pytest.raises(ValueError, match="two kinds"):
        registry([*KINDS.values(), replace(KINDS["plan"], floor=TWO)])


def test_something_follows_from_every_deadline() -> None:
    literal = {kind for source in SOURCES for kind in re.findall(r'schedule\(\s*"([a-z.-]+)"', source)}
    charters = {f"charter.{kind}{ahead}" for kind in ("revalidation", "expiry") for ahead in ("", "-reminder")}
    assert literal >= {"review.lapse", "review.escalate", "exception.expiry", "glass.end"}
    assert literal | charters | {"certificate.final"} <= set(DEADLINES)
    assert all(Action(f"deadline.{kind}") for kind in DEADLINES), "and it is an action of the audit log"
