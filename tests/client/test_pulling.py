"""``moneyer source pull`` and what uploads show: a wait that ends, and what rules replaced."""

from typing import Any

import pytest
import typer

from moneyer import calls
from moneyer.calls.wire import Call
from moneyer.cli.connections import LOOK_SECONDS, NOT_ENDED, show_pull, show_replaced, until_ended


class Answering:
    """A client whose pull is in these states, one a look, and then in the last of them for ever."""

    def __init__(self, *states: str) -> None:
        self._states = states
        self.looks = 0

    def send(self, call: Call[Any]) -> Any:
        assert call.path == "/v1/pulls/p1"
        self.looks += 1
        return {"id": "p1", "state": self._states[min(self.looks, len(self._states)) - 1]}


def at_once(seconds: float) -> None:
    assert seconds == LOOK_SECONDS


def test_a_pull_is_waited_for_until_it_ends() -> None:
    client: Any = Answering("waiting", "fetching", "done")
    assert until_ended(lambda: client.send(calls.get_pull("p1")), 2, "later", at_once)["state"] == "done"
    assert client.looks == 3


def test_a_pull_that_goes_on_is_left_after_a_while_and_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    client: Any = Answering("fetching")
    with pytest.raises(typer.Exit) as left:
        until_ended(lambda: client.send(calls.get_pull("p1")), 5, "ask for p1", at_once)
    assert left.value.exit_code == NOT_ENDED == 3
    assert client.looks == 10
    assert "it goes on without you: ask for p1" in capsys.readouterr().err


def test_what_rules_replaced_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_replaced({"cost": 12}, {"cost": "nearest"})
    show_pull({"problem": None, "state": "done", "version_id": "v", "rows": 5, "id": "p1", "replaced": {"ward": 3}})
    told = capsys.readouterr().out
    assert "cost  12 values outside its domain were replaced by its rule, nearest" in told
    assert "ward  3 values" in told
