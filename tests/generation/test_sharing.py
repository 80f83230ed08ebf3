"""Turns: charters share fairly, priorities order a charter's own runs, and nobody waits behind another's backlog."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from moneyer_generation.rules.sharing import HIGHEST, LOWEST, NORMAL, place, turn


class Queue:
    """Runs in line, as the store and the queue keep them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, str, int]] = []
        self.turns: list[tuple[str, int, int]] = []
        self.served = 0
        self.order: list[str] = []

    def ask(self, charter: str, rank: int = NORMAL) -> None:
        own = max((t for who, r, t in self.turns if who == charter and r >= rank), default=None)
        mine = turn(self.served, own)
        self.turns.append((charter, rank, mine))
        self.waiting.append((place(mine, rank), len(self.turns), charter, rank))

    def serve(self) -> tuple[str, int]:
        found = min(self.waiting)
        self.waiting.remove(found)
        self.served = max(self.served, self.turns[found[1] - 1][2])
        self.order.append(found[2])
        return found[2], found[3]


def test_a_newcomer_is_served_next_to_a_backlog() -> None:
    queue = Queue()
    for _ in range(30):
        queue.ask("busy")
    for _ in range(10):
        queue.serve()
    queue.ask("newcomer")
    assert "newcomer" in [queue.serve()[0] for _ in range(2)]


def test_who_waited_for_nothing_saves_nothing_up() -> None:
    queue = Queue()
    for _ in range(20):
        queue.ask("steady")
    for _ in range(20):
        queue.serve()
    for _ in range(10):
        queue.ask("idle")
        queue.ask("steady")
    assert Counter(queue.serve()[0] for _ in range(10)) == {"idle": 5, "steady": 5}


def test_priority_orders_a_charters_own_runs() -> None:
    queue = Queue()
    for rank in (LOWEST, NORMAL, NORMAL, HIGHEST, LOWEST, NORMAL):
        queue.ask("charter", rank)
    ranks = [queue.serve()[1] for _ in range(6)]
    assert ranks == [HIGHEST, NORMAL, LOWEST, NORMAL, NORMAL, LOWEST]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_while_all_wait_nobody_is_two_ahead(asked: Sequence[str]) -> None:
    """Between charters that always have a run waiting, the numbers served differ by at most one (fairness of SFQ)."""
    queue = Queue()
    for charter in asked:
        queue.ask(charter)
    counts: Counter[str] = Counter()
    left = Counter(asked)
    while queue.waiting:
        charter, _ = queue.serve()
        counts[charter] += 1
        left[charter] -= 1
        backlogged = [counts[who] for who in left if left[who] > 0]
        if len(backlogged) > 1:
            assert max(backlogged) - min(backlogged) <= 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([LOWEST, NORMAL, HIGHEST]))), st.integers(0, 30))
def test_everybody_is_served(asked: Sequence[tuple[str, int]], between: int) -> None:
    queue = Queue()
    for number, (charter, rank) in enumerate(asked):
        queue.ask(charter, rank)
        if queue.waiting and number % 3 == between % 3:
            queue.serve()
    while queue.waiting:
        queue.serve()
    assert len(queue.order) == len(asked)
