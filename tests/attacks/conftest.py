"""What attackers meet: each service on a database of its own, and tokens of real roles."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from conftest import Caller, Cluster
from evaluation.conftest import world as evaluation
from generation.conftest import PolicyThatPermits
from generation.intake.conftest import World as Factory
from generation.intake.conftest import make_world
from generation.intake.conftest import world as intake
from lineage.conftest import world as lineage
from policy.conftest import world as policy

from mintmark_shared.service import Surroundings

__all__ = ["evaluation", "generation", "intake", "lineage", "policy"]


@pytest.fixture
async def generation(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], tmp_path: Path
) -> AsyncIterator[Factory]:
    """Generation with a policy that permits every plan."""
    async with make_world(cluster, around, caller, tmp_path, PolicyThatPermits()) as made:
        yield made
