"""Airflow: an operator that asks for a table and gives its worker slot back while it waits.

The connection ``mintmark_default`` (type ``mintmark``) has the client's id as login, its secret as password, and in its
extra ``token_url`` and a URL a service: ``policy_url``, ``generation_url``, ``evaluation_url``, ``lineage_url``.
"""

# pyright: reportMissingImports=false
import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseHook, BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from mintmark import AsyncMintmark, Mintmark, Refused, calls
from mintmark.client import Connection
from mintmark.runs import ENDS, POLL_SECONDS, NotReleased, released, request

SERVICES = ("policy", "generation", "evaluation", "lineage")
DEFAULT_CONNECTION = "mintmark_default"


class MintmarkHook(BaseHook):  # type: ignore[misc]  # Airflow is in an environment of its own
    """Where mintmark is and who speaks, by an Airflow connection."""

    conn_name_attr = "mintmark_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "mintmark"
    hook_name = "Mintmark"

    @classmethod
    def read(cls, kept: Any) -> Connection:
        """Raises KeyError: the connection's extra lacks a URL."""
        extra = kept.extra_dejson
        services = {name: extra[f"{name}_url"] for name in SERVICES}
        return Connection(services, extra["token_url"], kept.login, kept.password)

    @classmethod
    def client(cls, mintmark_conn_id: str) -> Mintmark:
        return Mintmark(cls.read(cls.get_connection(mintmark_conn_id)))

    @classmethod
    async def aclient(cls, mintmark_conn_id: str) -> AsyncMintmark:
        return AsyncMintmark(cls.read(await cls.aget_connection(mintmark_conn_id)))


class RunTrigger(BaseTrigger):  # type: ignore[misc]  # as above
    """Fires when a run has ended; it carries no secret, for Airflow writes triggers down."""

    def __init__(self, run_id: str, mintmark_conn_id: str, poll_seconds: float) -> None:
        super().__init__()
        self.run_id = run_id
        self.mintmark_conn_id = mintmark_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        told = {"run_id": self.run_id, "mintmark_conn_id": self.mintmark_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", told

    async def run(self) -> AsyncIterator[TriggerEvent]:
        async with await MintmarkHook.aclient(self.mintmark_conn_id) as client:
            while (run := await client.send(calls.get_generation(self.run_id)))["state"] not in ENDS:  # noqa: ASYNC110 - it is elsewhere
                await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({name: run[name] for name in ("id", "state", "failure")})


class GenerateOperator(BaseOperator):  # type: ignore[misc]  # as above
    """Asks for a table and returns the asset's id (XCom) once it is released.

    The idempotency key is the task instance's own unless given: a task that Airflow tries again asks for, and pays
    for, nothing new. A denied plan and a run that ended badly fail without a retry; give another ``key`` to pay anew.
    """

    template_fields: Sequence[str] = ("plan", "key")

    def __init__(
        self,
        *,
        plan: Mapping[str, Any],
        key: str | None = None,
        mintmark_conn_id: str = DEFAULT_CONNECTION,
        poll_seconds: float = POLL_SECONDS,
        wait: timedelta | None = None,
        **operator: Any,
    ) -> None:
        super().__init__(**operator)
        self.plan = plan
        self.key = key
        self.mintmark_conn_id = mintmark_conn_id
        self.poll_seconds = poll_seconds
        self.wait = wait

    def execute(self, context: Context) -> None:
        """Raises AirflowFailException: the gate denied the plan; every reason is in it."""
        try:
            with MintmarkHook.client(self.mintmark_conn_id) as client:
                run_id = request(client, self.plan, key=self.key or _key(context["ti"]))
        except Refused as refusal:
            remedies = "; ".join(str(reason.get("remedy", reason)) for reason in refusal.reasons)
            raise AirflowFailException(f"{refusal} {remedies}".strip()) from refusal
        trigger = RunTrigger(run_id, self.mintmark_conn_id, self.poll_seconds)
        self.defer(trigger=trigger, method_name="finish", timeout=self.wait)

    def finish(self, context: Context, event: Mapping[str, Any]) -> str:  # noqa: ARG002 - Airflow hands both over
        """Raises AirflowFailException: no table was released."""
        try:
            return released(event)
        except NotReleased as error:
            raise AirflowFailException(str(error)) from error


def _key(ti: Any) -> str:
    """The same for every try of a task instance, and no other's."""
    named = f"airflow:{ti.dag_id}:{ti.run_id}:{ti.task_id}:{ti.map_index}"
    return f"airflow:{hashlib.sha256(named.encode()).hexdigest()}"
