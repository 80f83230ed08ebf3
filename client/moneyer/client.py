"""The two clients: one waits, one is awaited; both send the same calls and raise the same refusals."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from moneyer.assets import Assets, AsyncAssets
from moneyer.calls import Call, Id
from moneyer.calls.wire import Streamed
from moneyer.signed_in import SignedIn
from moneyer_shared.documents import read_json
from moneyer_shared.tokens import token_of

Answer = TypeVar("Answer")
PATIENCE = httpx.Timeout(60, connect=5)


class Refused(Exception):
    """A service refused; ``reasons`` lists every failed clause, each with what would mend it."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.reasons: list[dict[str, Any]] = list(problem.get("reasons", []))
        super().__init__(f"{status} {self.code}: {self.detail}")


@dataclass(frozen=True)
class Connection:
    """Where the services are and who speaks: a client with its secret, or whoever ``bearer`` is a token of."""

    services: Mapping[str, str]
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    bearer: str | None = field(default=None, repr=False)

    @classmethod
    def of_token(cls, services: Mapping[str, str], token: str) -> Self:
        """Whoever was given this access token; it is asked for no other, and every service must be in its audience."""
        return cls(services, "", "", "", token)

    @classmethod
    def from_directory(cls, directory: str | Path, person: str) -> Self:
        """One of the people of a one-machine data directory.

        Raises:
            FileNotFoundError: nothing was started there.
            KeyError: there is no such person.
        """
        told = read_json((Path(directory) / "client.json").read_bytes())
        return cls(told["services"], told["token_url"], person, told["people"][person])

    @classmethod
    def found(cls, directory: str | Path, person: str) -> Self:
        """The moneyer that the environment names, else that of a one-machine data directory.

        Raises:
            FileNotFoundError: nothing was started there.
            KeyError: the environment lacks a variable, or there is no such person.
        """
        if "MONEYER_TOKEN_URL" in os.environ:
            return cls.from_environment()
        if not (Path(directory) / "client.json").exists():
            message = f"no moneyer was started in {directory}; run: moneyer up --data {directory}"
            raise FileNotFoundError(message)
        return cls.from_directory(directory, person)

    @classmethod
    def from_environment(cls) -> Self:
        """``MONEYER_TOKEN_URL``, ``_CLIENT_ID``, ``_CLIENT_SECRET`` and a URL per service, ``MONEYER_POLICY_URL`` …

        Raises:
            KeyError: naming the variable that is missing.
        """
        names = ("policy", "generation", "evaluation", "lineage")
        services = {name: os.environ[f"MONEYER_{name.upper()}_URL"] for name in names}
        told = (os.environ[f"MONEYER_{name}"] for name in ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"))
        return cls(services, *told)

    def token_form(self, service: str) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "audience": f"moneyer-{service}",
        }


class _Tokens:
    """Tokens kept until shortly before they end."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, str]] = {}

    def valid(self, service: str) -> str | None:
        ends, token = self._kept.get(service, (0.0, ""))
        return token if ends > time.monotonic() else None

    def keep(self, service: str, answer: httpx.Response) -> str:
        if not answer.is_success:
            raise Refused(answer.status_code, {"code": "no-token", "detail": "The identity provider refused."})
        token = token_of(answer.content)
        if token is None:
            raise Refused(502, {"code": "no-token", "detail": "The identity provider gave no token that can be read."})
        self._kept[service] = (time.monotonic() + token.seconds, token.text)
        return token.text


def _content(call: Call[Any], *, waits: bool) -> Any:
    """What is sent, as the kind of client takes it."""
    if not isinstance(call.content, Streamed):
        return call.content
    return call.content.pieces() if waits else call.content.pieces_async()


def _patience(call: Call[Any]) -> httpx.Timeout:
    return httpx.Timeout(call.content.seconds, connect=5) if isinstance(call.content, Streamed) else PATIENCE


Speaker = Connection | SignedIn
"""Whose calls a client sends: a client with a secret of its own, or somebody who signed in."""


def _request(connection: Speaker, call: Call[Any], token: str, *, waits: bool) -> httpx.Request:
    return httpx.Request(
        call.method,
        connection.services[call.service] + call.path,
        json=call.json,
        content=_content(call, waits=waits),
        params=dict(call.query),
        headers={"Authorization": f"Bearer {token}", **call.headers},
        extensions={"timeout": _patience(call).as_dict()},
    )


def _read(call: Call[Answer], answer: httpx.Response) -> Answer:
    if answer.is_success:
        return call.read(answer)
    try:
        problem = answer.json()
    except (ValueError, RecursionError):
        problem = {"detail": answer.text[:500]}
    raise Refused(answer.status_code, problem)


def _event(line: str) -> dict[str, Any] | None:
    return json.loads(line[6:]) if line.startswith("data: ") else None


class Moneyer:
    """The synchronous client."""

    def __init__(self, connection: Speaker) -> None:
        self.connection = connection
        self._http = httpx.Client(timeout=PATIENCE)
        self._tokens = _Tokens()

    @classmethod
    def from_directory(cls, directory: str | Path, *, person: str) -> Self:
        return cls(Connection.from_directory(directory, person))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[Answer]) -> Answer:
        """Send a call.

        Raises:
            Refused: with the service's problem.
            httpx.TransportError: the service does not answer.
        """
        return _read(call, self._http.send(_request(self.connection, call, self.token(call.service), waits=True)))

    @property
    def assets(self) -> Assets:
        """Released tables: ``client.assets.table(asset_id).to_pandas()``."""
        return Assets(self)

    @contextmanager
    def stream(self, call: Call[Any]) -> Generator[httpx.Response]:
        """Send a call and read its answer as it comes; raises as ``send`` does."""
        answer = self._http.send(_request(self.connection, call, self.token(call.service), waits=True), stream=True)
        try:
            if not answer.is_success:
                answer.read()
                _read(call, answer)
            yield answer
        finally:
            answer.close()

    def token(self, service: str) -> str:
        if isinstance(self.connection, SignedIn):
            return self.connection.token()
        if self.connection.bearer is not None:
            return self.connection.bearer
        form = self.connection.token_form(service)
        kept = self._tokens.valid(service)
        return kept or self._tokens.keep(service, self._http.post(self.connection.token_url, data=form))

    @contextmanager
    def _stream(self, run_id: Id) -> Generator[httpx.Response]:
        url = f"{self.connection.services['generation']}/v1/generations/{run_id}/events"
        headers = {"Authorization": f"Bearer {self.token('generation')}"}
        with self._http.stream("GET", url, headers=headers, timeout=httpx.Timeout(None)) as answer:
            if not answer.is_success:
                answer.read()
                raise Refused(answer.status_code, answer.json())
            yield answer

    def watch(self, run_id: Id) -> Iterator[dict[str, Any]]:
        """The run's progress as it changes, until it ends: state, progress (0 to 1), failure."""
        with self._stream(run_id) as answer:
            for line in answer.iter_lines():
                if told := _event(line):
                    yield told


class AsyncMoneyer:
    """The asynchronous client."""

    def __init__(self, connection: Speaker, *, http: httpx.AsyncClient | None = None) -> None:
        """``http`` is somebody else's, to be shared with other clients; whoever made it closes it."""
        self.connection = connection
        self._http = http or httpx.AsyncClient(timeout=PATIENCE)
        self._tokens = _Tokens()

    @classmethod
    def from_directory(cls, directory: str | Path, *, person: str) -> Self:
        return cls(Connection.from_directory(directory, person))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[Answer]) -> Answer:
        """Send a call; raises as ``Moneyer.send`` does."""
        token = await self.token(call.service)
        return _read(call, await self._http.send(_request(self.connection, call, token, waits=False)))

    @property
    def assets(self) -> AsyncAssets:
        """Released tables: ``await client.assets.table(asset_id).to_pandas()``."""
        return AsyncAssets(self)

    @asynccontextmanager
    async def stream(self, call: Call[Any]) -> AsyncGenerator[httpx.Response]:
        """Send a call and read its answer as it comes; raises as ``Moneyer.send`` does."""
        token = await self.token(call.service)
        answer = await self._http.send(_request(self.connection, call, token, waits=False), stream=True)
        try:
            if not answer.is_success:
                await answer.aread()
                _read(call, answer)
            yield answer
        finally:
            await answer.aclose()

    async def token(self, service: str) -> str:
        if isinstance(self.connection, SignedIn):
            return await asyncio.to_thread(self.connection.token)
        if self.connection.bearer is not None:
            return self.connection.bearer
        form = self.connection.token_form(service)
        kept = self._tokens.valid(service)
        return kept or self._tokens.keep(service, await self._http.post(self.connection.token_url, data=form))

    @asynccontextmanager
    async def _stream(self, run_id: Id) -> AsyncGenerator[httpx.Response]:
        url = f"{self.connection.services['generation']}/v1/generations/{run_id}/events"
        headers = {"Authorization": f"Bearer {await self.token('generation')}"}
        async with self._http.stream("GET", url, headers=headers, timeout=httpx.Timeout(None)) as answer:
            if not answer.is_success:
                await answer.aread()
                raise Refused(answer.status_code, answer.json())
            yield answer

    async def watch(self, run_id: Id) -> AsyncGenerator[dict[str, Any]]:
        """The run's progress as it changes, until it ends: state, progress (0 to 1), failure."""
        async with self._stream(run_id) as answer:
            async for line in answer.aiter_lines():
                if told := _event(line):
                    yield told
