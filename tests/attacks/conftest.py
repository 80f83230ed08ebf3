"""What attackers meet: each service on a database of its own, and tokens of real roles."""

from evaluation.conftest import world as evaluation
from generation.conftest import world as generation
from generation.intake.conftest import world as intake
from lineage.conftest import world as lineage
from policy.conftest import world as policy

__all__ = ["evaluation", "generation", "intake", "lineage", "policy"]
