"""The OpenLineage events that evaluation delivers: of an assay, of a monitor's look, of an audit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from moneyer_shared.contracts.evaluation import GuaranteeAudit, Look, Monitor
from moneyer_shared.journal import dataset, openlineage_event

Event = dict[str, Any]
"""An OpenLineage 2-0-2 run event, as JSON."""


def assay_event(
    event_type: str, assay_id: UUID, asset_id: UUID, job: str, at: datetime, **facets: Mapping[str, Any]
) -> Event:
    """An assay as a run of its own, under the run of ``job`` that made the asset; its job is judging that asset."""
    return openlineage_event(
        at=at,
        event_type=event_type,
        run_id=str(assay_id),
        job=f"evaluation.assay/{asset_id}",
        inputs=[dataset("asset", str(asset_id))],
        facets=facets,
        parent_run_id=str(asset_id),
        parent_job=job,
    )


def look_event(monitor: Monitor, look: Look, job: str) -> Event:
    """What a monitor saw, as a run of its own under the run of ``job`` that made the asset."""
    facet = look.model_dump(mode="json", exclude={"review_id"}) | {"kind": monitor.terms.kind}
    return openlineage_event(
        at=look.at,
        event_type="COMPLETE",
        run_id=str(look.id),
        job=f"evaluation.monitor/{monitor.id}",
        inputs=[dataset("asset", str(monitor.asset_id))],
        facets={"moneyer_drift": facet},
        parent_run_id=str(monitor.asset_id),
        parent_job=job,
    )


def audit_event(audit: GuaranteeAudit) -> Event:
    """An audit of a guarantee, as a run of its own."""
    return openlineage_event(
        at=audit.at,
        event_type="COMPLETE",
        run_id=str(audit.id),
        job=f"evaluation.guarantee-audit/{audit.generator}",
        facets={"moneyer_guarantee_audit": audit.model_dump(mode="json")},
    )
