"""What a page cannot show, and why."""

from dataclasses import dataclass

GONE_OR_NEVER = 404


@dataclass(frozen=True)
class Absent:
    """What a page would have shown, and why it does not: a service is away, or it refused."""

    service: str
    because: str
    is_away: bool = False
    status: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether there simply is no such thing."""
        return self.status == GONE_OR_NEVER
