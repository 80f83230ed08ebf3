"""Whose turn it is among runs that wait: start-time fair queueing between charters.

Goyal, Vin and Cheng 1996, "Start-time Fair Queuing: A Scheduling Algorithm for Integrated Services Packet Switching
Networks". Runs are served in order of their turns. A charter's runs take turns one after another, and a charter that
asked for nothing for a while begins at the turn now served: it neither waits behind another's backlog nor saves up.
"""

LOWEST, NORMAL, HIGHEST = 0, 1, 2
RANKS = {"low": LOWEST, "normal": NORMAL, "high": HIGHEST}


def turn(served: int, own: int | None) -> int:
    """A new run's turn.

    Args:
        served: the latest turn that has begun, of anybody's.
        own: the latest turn of the charter's own runs that it waits behind: those of its priority or a higher one.
    """
    return served if own is None else max(served, own + 1)


def place(turn: int, rank: int) -> int:
    """Where a run stands in line, the lowest first: by its turn, and in the same turn by its priority."""
    return turn * len(RANKS) + HIGHEST - rank
