"""What attackers meet: each service on a database of its own, and tokens of real roles."""

from collections.abc import AsyncIterator, Callable

import pytest
from conftest import Caller
from evaluation.conftest import world as evaluation
from generation.intake.conftest import world as intake
from lineage.conftest import world as lineage
from policy.conftest import World, sibling_of
from policy.conftest import world as policy

from mintmark_shared.service import Surroundings

__all__ = ["evaluation", "intake", "lineage", "policy", "policy_sibling"]


@pytest.fixture
async def policy_sibling(
    policy: World, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> AsyncIterator[World]:
    """Another process of policy on the same database."""
    made = sibling_of(policy, around, caller)
    yield made
    await made.office.database.close()
