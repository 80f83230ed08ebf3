"""Airflow: an operator that asks for a table and gives its worker slot back while it waits.

The connection ``moneyer_default`` (type ``moneyer``) has the client's id as login, its secret as password, and in its
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

from moneyer import AsyncMoneyer, Moneyer, Refused, calls
from moneyer.client import Connection
from moneyer.runs import ENDS, POLL_SECONDS, NotReleased, released, request

SERVICES = ("policy", "generation", "evaluation", "lineage")
DEFAULT_CONNECTION = "moneyer_default"


class MoneyerHook(BaseHook):  # type: ignore[misc]  # Airflow is in an environment of its own
    """Where moneyer is and who speaks, by an Airflow connection."""

    conn_name_attr = "moneyer_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "moneyer"
    hook_name = "Moneyer"

    @classmethod
    def read(cls, kept: Any) -> Connection:
        """Raises KeyError: the connection's extra lacks a URL."""
        extra = kept.extra_dejson
        services = {name: extra[f"{name}_url"] for name in SERVICES}
        return Connection(services, extra["token_url"], kept.login, kept.password)

    @classmethod
    def client(cls, moneyer_conn_id: str) -> Moneyer:
        return Moneyer(cls.read(cls.get_connection(moneyer_conn_id)))

    @classmethod
    async def aclient(cls, moneyer_conn_id: str) -> AsyncMoneyer:
        return AsyncMoneyer(cls.read(await cls.aget_connection(moneyer_conn_id)))


class RunTrigger(BaseTrigger):  # type: ignore[misc]  # as above
    """Fires when a run has ended; it carries no secret, for Airflow writes triggers down."""

    def __init__(self, run_id: str, moneyer_conn_id: str, poll_seconds: float) -> None:
        super().__init__()
        self.run_id = run_id
        self.moneyer_conn_id = moneyer_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        told = {"run_id": self.run_id, "moneyer_conn_id": self.moneyer_conn_id, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", told

    async def run(self) -> AsyncIterator[TriggerEvent]:
        async with await MoneyerHook.aclient(self.moneyer_conn_id) as client:
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
        moneyer_conn_id: str = DEFAULT_CONNECTION,
        poll_seconds: float = POLL_SECONDS,
        wait: timedelta | None = None,
        **operator: Any,
    ) -> None:
        super().__init__(**operator)
        self.plan = plan
        self.key = key
        self.moneyer_conn_id = moneyer_conn_id
        self.poll_seconds = poll_seconds
        self.wait = wait

    def execute(self, context: Context) -> None:
        """Raises AirflowFailException: the gate denied the plan; every reason is in it."""
        try:
            with MoneyerHook.client(self.moneyer_conn_id) as client:
                run_id = request(client, self.plan, key=self.key or _key(context["ti"]))
        except Refused as refusal:
            remedies = "; ".join(str(reason.get("remedy", reason)) for reason in refusal.reasons)
            raise AirflowFailException(f"{refusal} {remedies}".strip()) from refusal
        trigger = RunTrigger(run_id, self.moneyer_conn_id, self.poll_seconds)
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
