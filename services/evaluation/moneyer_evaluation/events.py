"""The OpenLineage events that evaluation delivers: of an assay, of a monitor's look, of an audit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from moneyer_shared.contracts.evaluation import GuaranteeAudit, Look, Monitor
from moneyer_shared.contracts.events import (
    AssayFacet,
    DriftFacet,
    dataset,
    job_of_assays,
    job_of_audits,
    job_of_monitors,
    run_event,
)

Event = dict[str, Any]
"""An OpenLineage 2-0-2 run event, as JSON."""


def assay_event(event_type: str, assay_id: UUID, asset_id: UUID, job: str, at: datetime, *facets: AssayFacet) -> Event:
    """An assay as a run of its own, under the run of ``job`` that made the asset; its job is judging that asset."""
    return run_event(
        at=at,
        event_type=event_type,
        run_id=str(assay_id),
        job=job_of_assays(asset_id),
        inputs=[dataset("asset", str(asset_id))],
        facets=facets,
        parent=(str(asset_id), job),
    )


def look_event(monitor: Monitor, look: Look, job: str) -> Event:
    """What a monitor saw, as a run of its own under the run of ``job`` that made the asset."""
    facet = look.model_dump(mode="json", exclude={"review_id"}) | {"kind": monitor.terms.kind}
    return run_event(
        at=look.at,
        event_type="COMPLETE",
        run_id=str(look.id),
        job=job_of_monitors(monitor.id),
        inputs=[dataset("asset", str(monitor.asset_id))],
        facets=[DriftFacet.model_validate(facet)],
        parent=(str(monitor.asset_id), job),
    )


def audit_event(audit: GuaranteeAudit) -> Event:
    """An audit of a guarantee, as a run of its own."""
    return run_event(
        at=audit.at,
        event_type="COMPLETE",
        run_id=str(audit.id),
        job=job_of_audits(audit.generator),
        facets=[audit],
    )
