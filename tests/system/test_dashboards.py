"""Every panel of every dashboard, asked of the real services as Grafana and Prometheus ask them."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from repository.test_dashboards import ALERTS, ASKED_OF_PROMETHEUS, ASKED_OF_SERVICES, DASHBOARDS, service_of
from system.conftest import Machine, until

from moneyer import Refused, calls

pytestmark = pytest.mark.system
SERVICES = ("policy", "generation", "evaluation", "lineage")
METRIC = re.compile(r"\b(?:moneyer|http)_[a-z_]+\b")


async def metrics(machine: Machine) -> dict[str, dict[str, float]]:
    """What Prometheus scrapes, by service and by sample with its labels; a family without samples stands for itself."""
    found: dict[str, dict[str, float]] = {}
    async with httpx.AsyncClient() as http:
        for service in SERVICES:
            text = (await http.get(machine.stack.ports.url(service) + "/metrics")).text
            families = list(text_string_to_metric_families(text))
            found[service] = {family.name: 0.0 for family in families}
            for sample in (one for family in families for one in family.samples):
                found[service][sample.name + "".join(f" {value}" for value in sample.labels.values())] = sample.value
    return found


def filled(text: str, dashboard: dict[str, Any]) -> str:
    """A question with the variables of its dashboard in it, as they are when it is opened."""
    variables = {one["name"]: one["current"]["value"] for one in dashboard["templating"]["list"]}
    variables |= {"__from:date:iso": "2026-01-01T00:00:00.000Z", "__to:date:iso": "2026-01-31T00:00:00.000Z"}
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(variables[found[1]]), text)


async def test_dashboards_draw_what_happened(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request()
    with pytest.raises(Refused):
        await ready.request(use_case="underwriting")

    async def counted() -> bool:
        answer = await machine.raw("dashboard", "lineage", "/v1/series/decisions?step=day", {})
        return {"permit", "deny"} <= {row["label"] for row in answer.json() if row["value"]}

    async def shown() -> bool:
        seen = await metrics(machine)
        queued = seen["generation"].get("moneyer_generation_runs queued", 0)
        denied = seen["lineage"].get("moneyer_lineage_decisions deny", 0)
        return queued >= 1 and denied >= 1 and seen["policy"]["moneyer_outbox_waiting"] == 0

    await until(counted)
    await until(shown)
    await machine.send("scientist", calls.cancel_generation(run_id))


async def test_every_metric_a_panel_or_an_alert_names_is_scraped(machine: Machine) -> None:
    families = await metrics(machine)
    known = {sample.split(" ")[0] for samples in families.values() for sample in samples}
    expressions = [target["expr"] for _, target in ASKED_OF_PROMETHEUS]
    expressions += [rule["expr"] for group in ALERTS for rule in group["rules"]]
    named = {name for one in expressions for name in METRIC.findall(one)}
    assert named <= known
    assert len(named) > 12
    for service in ("policy", "generation", "evaluation"):
        assert "moneyer_outbox_oldest_seconds" in families[service], "each outbox is watched"


async def test_every_question_of_a_panel_is_answered_to_the_dashboards_client(machine: Machine) -> None:
    for where, target in ASKED_OF_SERVICES:
        dashboard = DASHBOARDS[where.partition(":")[0]]
        query = {one["key"]: filled(one["value"], dashboard) for one in target["url_options"]["params"]}
        path = httpx.URL(filled(target["url"], dashboard), params=query)
        answer = await machine.raw("dashboard", service_of(target), str(path), {})
        assert answer.status_code == 200, (where, answer.text)
        for name in filter(None, target["root_selector"].split(".")):
            assert name in answer.json()
    refused = await machine.raw("dashboard", "lineage", f"/v1/webhooks/{uuid4()}/deliveries", {})
    assert refused.status_code == 403, "it reads what is everybody's to read"
