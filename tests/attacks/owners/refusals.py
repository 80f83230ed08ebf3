"""How a stranger is answered."""

import httpx


def refused(answer: httpx.Response, code: str = "not-yours", status: int = 403) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
