"""Evaluation's routes: what each is on the wire, and the use case it stands for."""

from fastapi.responses import HTMLResponse

from moneyer_evaluation.routes.report import as_page
from moneyer_evaluation.use_cases.assays import get_assay, list_assays, report_assay, request_assay
from moneyer_evaluation.use_cases.audits import audit_guarantee, list_guarantee_audits, measure_claim
from moneyer_evaluation.use_cases.catalogue import list_measures, list_suites
from moneyer_evaluation.use_cases.monitors import (
    get_monitor,
    list_looks,
    list_monitors,
    make_monitor,
    name_scorers,
    pause_monitor,
    post_scores,
    resume_monitor,
)
from moneyer_evaluation.use_cases.owners import hand_over
from moneyer_evaluation.use_cases.reassays import find_register, reassay
from moneyer_evaluation.use_cases.shares import declare_shares, list_shares
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.routes import Routes

READ, JUDGE, WATCH = "evaluation:read", "evaluation:assays:write", "evaluation:monitors:write"
UP_TO_8_MB = {"openapi_extra": {LARGEST_BODY: 8 * 2**20}}
UP_TO_16_MB = {"openapi_extra": {LARGEST_BODY: 16 * 2**20}}

assays = Routes(prefix="/v1", tag="assays")
assays.add(
    "POST", "/assays", request_assay, "Have an asset judged",
    scope=JUDGE, status=202, once="may", location="/v1/assays/{id}", headers={"Retry-After": "2"}, extra=UP_TO_16_MB,
)  # fmt: skip
assays.add("GET", "/assays", list_assays, "Assays, all or of one asset", scope=READ, page="id")
assays.add("GET", "/assays/{assay_id}", get_assay, "An assay and its figures", scope=READ)
assays.add(
    "GET", "/assays/{assay_id}/report", report_assay, "An assay as one page to read and print",
    scope=READ, render=as_page, extra={"response_class": HTMLResponse},
)  # fmt: skip
assays.add(
    "POST", "/reassays", reassay, "Look at released assets again, with a suite or a single attacker",
    scope="evaluation:reassays:write", status=202, once="may", first=find_register,
)  # fmt: skip
assays.add(
    "POST", "/guarantee-audits", audit_guarantee, "Hold a configuration's ε against what its runs show",
    scope=JUDGE, status=201, once="must", first=measure_claim, extra=UP_TO_8_MB,
)  # fmt: skip
assays.add(
    "GET", "/guarantee-audits", list_guarantee_audits, "Audits, all or of one generator", scope=READ, page="id"
)  # fmt: skip

measures = Routes(prefix="/v1", tag="measures")
measures.add("GET", "/measures", list_measures, "Every measure and attacker, with its version", scope=READ)
measures.add("GET", "/suites", list_suites, "Named sets of measures", scope=READ)

monitors = Routes(prefix="/v1/monitors", tag="monitors")
monitors.add(
    "POST", "", make_monitor, "Watch over an asset",
    scope=WATCH, status=201, once="may", location="/v1/monitors/{id}",
)  # fmt: skip
monitors.add("GET", "", list_monitors, "Monitors, all or of one asset", scope=READ, page="id")
monitors.add("GET", "/{monitor_id}", get_monitor, "A monitor", scope=READ)
monitors.add("GET", "/{monitor_id}/looks", list_looks, "What a monitor saw, the latest first", scope=READ, page="id")
monitors.add(
    "POST", "/{monitor_id}/scores", post_scores, "Scores of a model that uses the asset; kept as counts",
    scope="evaluation:scores:write", status=202, once="may", extra=UP_TO_8_MB,
)  # fmt: skip
monitors.add(
    "PUT", "/{monitor_id}/scorers", name_scorers, "Say who besides the owner may post scores", scope=WATCH
)  # fmt: skip
monitors.add("POST", "/{monitor_id}:pause", pause_monitor, "Look no more for now", scope=WATCH)
monitors.add("POST", "/{monitor_id}:resume", resume_monitor, "Look again, from now on", scope=WATCH)

shares = Routes(prefix="/v1/populations", tag="shares")
shares.add(
    "POST", "/{population_id}/shares", declare_shares, "Declare a population's published shares, in a new version",
    scope="evaluation:shares:write", status=201, once="may", extra=UP_TO_8_MB,
)  # fmt: skip
shares.add("GET", "/{population_id}/shares", list_shares, "All versions, the newest first", scope=READ)

owners = Routes(prefix="/v1/owners", tag="owners")
owners.add(
    "PUT", "/{kind}/{subject}", hand_over, "Give a thing to another owner", scope="evaluation:owners:write",
    extra={
        "description": "A monitor by its id, shares by that of their population. "
        "The owner that was can do nothing with it any more."
    },
)  # fmt: skip

ROUTERS = tuple(one.router for one in (assays, measures, monitors, shares, owners))
