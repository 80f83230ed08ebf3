"""Fixed doors on loopback, checked before anything is started."""

import socket
from dataclasses import dataclass

from moneyer_local.errors import CannotStart

OFFSETS = {"identity": 0, "policy": 1, "generation": 2, "evaluation": 3, "lineage": 4, "console": 5, "postgres": 32}


@dataclass(frozen=True)
class Ports:
    """All doors, counted from one base."""

    base: int = 8400

    def of(self, name: str) -> int:
        return self.base + OFFSETS[name]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.of(name)}"

    def check_free(self) -> None:
        """That nobody listens on our doors.

        Raises:
            CannotStart: naming the door that is taken.
        """
        for name in OFFSETS:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    door.bind(("127.0.0.1", self.of(name)))
                except OSError as error:
                    message = (
                        f"Port {self.of(name)} on 127.0.0.1 is taken, and {name} needs it. "
                        f"Stop what listens there, or start with another --port-base (now {self.base})."
                    )
                    raise CannotStart(message) from error
