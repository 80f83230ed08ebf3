"""Of every write it is said whose object it must be, and every owned one has its attack."""

import pytest
from attacks.owned import WRITES, Owned
from attacks.owners import test_evaluation, test_generation, test_lineage, test_policy
from roles import routes

SERVICES = (test_evaluation, test_generation, test_lineage, test_policy)


@pytest.mark.parametrize("service", sorted(WRITES))
def test_the_table_says_of_every_write_whose_object_it_must_be(service: str) -> None:
    assert set(WRITES[service]) == set(routes(service, writes=True))


def test_every_owned_row_has_its_attack() -> None:
    owned = {row.test for rows_ in WRITES.values() for row in rows_.values() if isinstance(row, Owned)}
    assert {name for name in owned if not any(hasattr(one, name) for one in SERVICES)} == set()
