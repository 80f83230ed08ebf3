"""Write the Grafana dashboards, or with ``--check`` say which are not current.

They are made of a few words here, and committed as Grafana loads them: panels that read Prometheus for what is now, and
panels that read the services' own JSON, by the Infinity data source, for what was decided.
"""

import json
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]
HERE = Path(__file__).parent / "dashboards"
PROMETHEUS: Json = {"type": "prometheus", "uid": "moneyer-prometheus"}
LINEAGE: Json = {"type": "yesoreyeram-infinity-datasource", "uid": "moneyer-lineage"}
POLICY: Json = {"type": "yesoreyeram-infinity-datasource", "uid": "moneyer-policy"}
WIDTH = 24
CALM: Json = {"mode": "absolute", "steps": [{"color": "green", "value": None}]}
STRETCH = {"since": "${__from:date:iso}", "until": "${__to:date:iso}", "step": "${step}"}


# --- what a panel reads ----------------------------------------------------------------------


def prometheus(expression: str, legend: str = "") -> Json:
    return {"datasource": PROMETHEUS, "expr": expression, "legendFormat": legend or "__auto", "range": True}


def rows(source: Json, url: str, columns: dict[str, tuple[str, str]], **more: Any) -> Json:
    """Rows of JSON as a table: what each column is called and whether it is a string, a number or a timestamp."""
    query: dict[str, str] = more.get("query", {})
    return {
        "datasource": source,
        "type": "json",
        "source": "url",
        "parser": "backend",
        "format": more.get("shape", "table"),
        "root_selector": more.get("within", ""),
        "url": url,
        "url_options": {"method": "GET", "params": [{"key": key, "value": value} for key, value in query.items()]},
        "columns": [{"selector": name, "text": text, "type": kind} for name, (text, kind) in columns.items()],
        "filters": [],
    }


def series(url: str) -> Json:
    """Rows of a time, a label and a value: a line for each label."""
    columns = {"time": ("time", "timestamp"), "label": ("kind", "string"), "value": ("value", "number")}
    return rows(LINEAGE, url, columns, query=STRETCH, shape="timeseries")


# --- panels ----------------------------------------------------------------------------------


def panel(kind: str, title: str, meaning: str, *targets: Json, **more: Any) -> Json:
    """A panel; ``width`` is in twenty-fourths and ``height`` in Grafana's units."""
    return {
        "type": kind,
        "title": title,
        "description": meaning,
        "datasource": targets[0]["datasource"],
        "targets": [target | {"refId": chr(ord("A") + place)} for place, target in enumerate(targets)],
        "options": more.get("options", {}),
        "fieldConfig": {"defaults": more.get("defaults", {}), "overrides": []},
        "gridPos": {"w": more.get("width", 8), "h": more.get("height", 8)},
    }


def figure(title: str, meaning: str, expression: str, **defaults: Any) -> Json:
    """One number as it is now."""
    options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    shown = {"thresholds": CALM} | defaults
    return panel("stat", title, meaning, prometheus(expression), options=options, defaults=shown, width=4, height=4)


def lines(title: str, meaning: str, *targets: Json, **defaults: Any) -> Json:
    return panel("timeseries", title, meaning, *targets, defaults=defaults)


def bars(title: str, meaning: str, url: str) -> Json:
    """Counts by step, one kind on top of another."""
    drawn = {"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal"}, "lineWidth": 0}
    named = {"custom": drawn, "displayName": "${__field.labels.kind}", "min": 0}
    return panel("timeseries", title, meaning, series(url), defaults=named)


def table(title: str, meaning: str, target: Json, width: int = 12) -> Json:
    return panel("table", title, meaning, target, width=width)


def alarm(at: float) -> Json:
    """Green below and red from there on."""
    return CALM | {"steps": [*CALM["steps"], {"color": "red", "value": at}]}


# --- a dashboard -----------------------------------------------------------------------------


def dashboard(name: str, panels: list[Json], variables: list[Json], since: str) -> Json:
    return {
        "uid": f"moneyer-{name}",
        "title": f"moneyer: {name}",
        "tags": ["moneyer"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": f"now-{since}", "to": "now"},
        "timezone": "utc",
        "templating": {"list": variables},
        "links": [{"type": "dashboards", "tags": ["moneyer"], "title": "moneyer", "asDropdown": False}],
        "panels": _placed(panels),
    }


def _placed(panels: list[Json]) -> list[Json]:
    """Panels from left to right in rows, each row as high as its highest."""
    left = top = height = 0
    placed: list[Json] = []
    for number, one in enumerate(panels, 1):
        size = one["gridPos"]
        if left + size["w"] > WIDTH:
            left, top, height = 0, top + height, 0
        placed.append(one | {"id": number, "gridPos": {"x": left, "y": top, **size}})
        left, height = left + size["w"], max(height, size["h"])
    return placed


def choice(name: str, label: str, *values: str) -> Json:
    options = [{"text": value, "value": value, "selected": value == values[0]} for value in values]
    return {
        "type": "custom", "name": name, "label": label, "query": ",".join(values), "options": options,
        "current": options[0], "multi": False, "includeAll": False,
    }  # fmt: skip


def typed(name: str, label: str, value: str) -> Json:
    current = {"text": value, "value": value}
    return {"type": "textbox", "name": name, "label": label, "query": value, "current": current}


STEP = choice("step", "Step", "day", "hour", "week")

# --- what tables show: each member of a row by its heading and kind ---------------------------

BUDGET = {
    "name": ("population", "string"),
    "budget.epsilon": ("ε", "number"),
    "budget.epsilon_held": ("ε reserved and spent", "number"),
    "budget.delta": ("δ", "number"),
    "budget.releases_limit": ("releases allowed", "number"),
    "budget.releases_held": ("releases held", "number"),
}
REVIEW = {
    "kind": ("matter", "string"),
    "subject": ("subject", "string"),
    "opened_by": ("opened by", "string"),
    "opened_at": ("opened", "timestamp"),
    "expires_at": ("expires", "timestamp"),
}
GROUP = {
    "generator": ("generator", "string"),
    "guarantee": ("guarantee", "string"),
    "planned": ("planned", "number"),
    "denied": ("denied", "number"),
    "released": ("released", "number"),
    "rejected": ("rejected", "number"),
    "failed": ("failed", "number"),
    "median": ("median", "number"),
    "correlation_with_epsilon": ("correlation with ε", "number"),
}
POINT = {
    "epsilon": ("ε", "number"),
    "value": ("figure", "number"),
    "model": ("model", "string"),
    "version": ("version", "string"),
    "generator": ("generator", "string"),
    "guarantee": ("guarantee", "string"),
}
MODEL = {"name": ("model", "string"), "owner": ("owner", "string"), "registered_at": ("registered", "timestamp")}
OUTPOST = {"place": ("place", "string"), "size": ("leaves", "number"), "at": ("since", "timestamp")}
FORWARD = {
    "sink": ("sink", "string"),
    "waiting": ("waiting", "number"),
    "refused": ("refused", "number"),
    "at": ("since", "timestamp"),
}

# --- the dashboards themselves ----------------------------------------------------------------


def governance() -> Json:
    """For stewards and the committee: what was asked, what was decided, what is left."""
    states = ("released", "rejected", "suspended", "withdrawn", "retired")
    reviews_open = 'max(moneyer_policy_reviews{state="open"})'
    reviews = rows(POLICY, "/v1/reviews", REVIEW, query={"state": "open"})
    return dashboard(
        "governance",
        [
            *(
                figure(f"Assets {state}", "Now.", f'max(moneyer_lineage_assets{{state="{state}"}}) or vector(0)')
                for state in states
            ),
            figure("Open reviews", "Matters that wait for votes.", f"{reviews_open} or vector(0)"),
            bars("Decisions", "What the gate answered to plans.", "/v1/series/decisions"),
            bars("Refusals by clause", "Every clause that a plan failed counts.", "/v1/series/refusals"),
            bars("Releases", "What was decided on assays.", "/v1/series/releases"),
            bars("Assets since", "Suspensions, withdrawals, retirements.", "/v1/series/changes"),
            table("Open reviews", "What waits for votes.", reviews, 16),
            table("Privacy budgets", "Of each population.", rows(POLICY, "/v1/populations", BUDGET), 24),
        ],
        [STEP],
        "30d",
    )


def quality() -> Json:
    """For data scientists: what worked, and what it cost."""
    summary = rows(LINEAGE, "/v1/outcomes/summary", GROUP, query={"metric": "${figure}"})
    points = rows(LINEAGE, "/v1/performance", POINT, query={"metric": "${performance}"}, within="points")
    medians = {"displayName": "${__field.labels.kind}", "custom": {"drawStyle": "points", "pointSize": 7}}
    axes = {name: {"matcher": {"id": "byName", "options": text}} for name, text in (("x", "ε"), ("y", "figure"))}
    return dashboard(
        "quality",
        [
            panel(
                "timeseries",
                "Median of the figure by generator",
                "Of the assays that assets were decided on by.",
                series("/v1/figures/${figure}"),
                defaults=medians,
                width=24,
            ),
            table("What worked", "What became of each generator's plans.", summary, 24),
            panel(
                "xychart",
                "ε against models' figures",
                "Versions of models by the ε of the assets they learned from.",
                points,
                options={"mapping": "manual", "series": [axes]},
                width=12,
            ),
            table("Models' figures", "The last one of each version.", points),
            table("Models", "Who answers for which.", rows(LINEAGE, "/v1/models", MODEL), 24),
        ],
        [STEP, typed("figure", "Figure of assays", "utility-gap"), typed("performance", "Of models", "accuracy")],
        "90d",
    )


def operations() -> Json:
    """For whoever keeps it running: rates, times, and everything that waits."""
    return dashboard(
        "operations",
        [*_what_is_wrong(), *_what_is_answered(), *_what_is_in_hand(), *_what_leaves_the_house()],
        [choice("step", "Step", "hour", "day", "week")],
        "24h",
    )


def _what_is_wrong() -> list[Json]:
    unsigned = "max(moneyer_lineage_log_leaves) - max(moneyer_lineage_checkpoint_leaves)"
    untold = "max(moneyer_outbox_oldest_seconds)"
    uncounted = "max(moneyer_lineage_events_uncounted)"
    given_up = "max(moneyer_lineage_deliveries_given_up)"
    return [
        figure("Services up", "Of the four.", 'sum(up{job=~"moneyer-.*"})'),
        figure("Leaves of the log", "Audit events on record.", "max(moneyer_lineage_log_leaves)"),
        figure("Unsigned leaves", "Under no checkpoint yet.", unsigned, thresholds=alarm(10_000)),
        figure("Oldest untold", "In any outbox.", untold, unit="s", thresholds=alarm(300)),
        figure("Webhooks given up", "Deliveries no owner got.", given_up, thresholds=alarm(1)),
        figure("Uncounted events", "Dashboards do not know them.", uncounted, thresholds=alarm(10_000)),
    ]


def _what_is_answered() -> list[Json]:
    def rate(which: str = "") -> str:
        return f"sum by (job) (rate(http_requests_total{{{which}}}[5m]))"

    def quantile(share: float) -> str:
        return f"histogram_quantile({share}, sum by (job, le) (rate(http_request_seconds_bucket[5m])))"

    refused = prometheus(rate('status=~"4.."'), "{{job}} refused")
    failed = prometheus(rate('status=~"5.."'), "{{job}} failed")
    half, nearly_all = prometheus(quantile(0.5), "{{job}} p50"), prometheus(quantile(0.99), "{{job}} p99")
    return [
        lines("Requests", "By service.", prometheus(rate(), "{{job}}"), unit="reqps"),
        lines("Refused and failed", "By service; a refusal is an answer too.", refused, failed, unit="reqps"),
        lines("Time to answer", "Of half and of 99 in 100 requests, by service.", half, nearly_all, unit="s"),
    ]


def _what_is_in_hand() -> list[Json]:
    def by_state(name: str) -> Json:
        return prometheus(f"max by (state) ({name})", "{{state}}")

    return [
        lines("Runs", "Of generation, by state.", by_state("moneyer_generation_runs")),
        lines("Assays", "By state.", by_state("moneyer_evaluation_assays")),
        lines("Outboxes", "What lineage is still to be told.", prometheus("moneyer_outbox_waiting", "{{job}}")),
        bars("OpenLineage events", "By type, at the times they tell.", "/v1/series/events"),
        bars("Runs that ended", "Of moneyer's own, by how.", "/v1/series/runs"),
    ]


def _what_leaves_the_house() -> list[Json]:
    webhooks = prometheus("max(moneyer_lineage_deliveries_waiting)", "webhooks")
    sinks = prometheus("max(moneyer_lineage_forwards_waiting)", "sinks")
    return [
        lines("What waits in lineage", "Webhooks to be told, events that sinks wait for.", webhooks, sinks),
        table("Where checkpoints are", "The newest each place has.", rows(LINEAGE, "/v1/log/outposts", OUTPOST)),
        table("Sinks of OpenLineage", "How far each was told.", rows(LINEAGE, "/v1/forwards", FORWARD)),
    ]


def rendered() -> dict[Path, str]:
    made = {"governance": governance(), "quality": quality(), "operations": operations()}
    return {
        HERE / f"{name}.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for name, document in made.items()
    }


def main() -> None:
    check = "--check" in sys.argv
    stale = [path for path, text in rendered().items() if not path.exists() or path.read_text() != text]
    if check and stale:
        print("not current, run make dashboards:", *(path.name for path in stale))
        sys.exit(1)
    if not check:
        for path, text in rendered().items():
            path.write_text(text)
        print("written:", *(path.name for path in rendered()))


if __name__ == "__main__":
    main()
