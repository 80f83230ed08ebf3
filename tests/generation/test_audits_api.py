"""Audits asked for over HTTP: fitted in a process of their own, judged by evaluation, told once."""

from typing import Any
from uuid import UUID

import pytest
from generation.conftest import World

from moneyer_generation.dependencies import Work
from moneyer_generation.documents.audits import Audit, AuditRequest
from moneyer_generation.execution.children import ChildFailed
from moneyer_generation.generators.child import audit
from moneyer_generation.use_cases import audits
from moneyer_shared.contracts.evaluation import GuaranteeAudit, GuaranteeAuditRequest
from moneyer_shared.errors import Invalid, Unavailable
from moneyer_shared.queue import Later

SCORES = {"inside": [0.5] * 10, "outside": [0.0] * 10}


class Judge:
    """Evaluation, as far as an audit meets it."""

    def __init__(self) -> None:
        self.asked: list[GuaranteeAuditRequest] = []
        self.away = False

    async def audit(self, request: GuaranteeAuditRequest) -> GuaranteeAudit:
        if self.away:
            raise Unavailable("away")
        self.asked.append(request)
        kept = request.model_dump(exclude={"inside", "outside"})
        estimate = {
            "metric": "epsilon-lower-bound", "value": 2.0, "lower": 2.0, "upper": 2.0, "n": 20, "method": "m",
            "confidence": 0.95, "seed": 0,
        }  # fmt: skip
        return GuaranteeAudit.model_validate(
            kept | {"estimate": estimate, "verdict": "condemned", "at": "2026-01-01T00:00:00Z"}
        )


async def requested(world: World, **changes: Any) -> UUID:
    asked = {"generator": "dpmm-fixed", "parameters": {"epsilon": "1"}, "fits": 40} | changes
    async with world.flow("steward").begin(Work) as work:
        return (await audits.request_audit(work, AuditRequest.model_validate(asked))).id


async def row(world: World, audit_id: UUID) -> Audit:
    async with world.flow().begin(Work, read_only=True) as work:
        return (await work.audits.audit(audit_id)).shown


async def test_an_audit_is_fitted_once_and_judged_though_evaluation_was_away(world: World) -> None:
    judge = Judge()
    object.__setattr__(world.dependencies, "evaluation", judge)
    audit_id = await requested(world)
    world.messages += [{"progress": 0.5}, {"done": SCORES}]
    judge.away = True
    with pytest.raises(Later):
        await audits.carry_audit(world.flow(), audit_id)
    assert (await row(world, audit_id)).state == "queued", "half of the fits are made, and others have their turn"
    with pytest.raises(Unavailable):
        await audits.carry_audit(world.flow(), audit_id)
    assert (await row(world, audit_id)).state == "scored"
    judge.away = False
    world.messages.clear()
    await audits.carry_audit(world.flow(), audit_id)
    await audits.carry_audit(world.flow(), audit_id)
    found = await row(world, audit_id)
    assert (found.state, found.verdict) == ("done", "condemned")
    (asked,) = judge.asked
    assert (len(asked.inside), len(asked.outside)) == (20, 20)
    assert (asked.id, asked.guarantee, asked.epsilon) == (audit_id, "proven", "1")
    assert float(asked.delta) > 0


async def test_a_generator_that_fails_its_audit_ends_it_with_the_reason(world: World) -> None:
    audit_id = await requested(world)
    world.messages.append(ChildFailed("it broke"))
    await audits.carry_audit(world.flow(), audit_id)
    found = await row(world, audit_id)
    assert (found.state, found.failure) == ("failed", "The generator failed: it broke")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"generator": "bayesian-network", "parameters": {}}, "claims-nothing"),
        ({"parameters": {"nothing": 1}}, "parameter-unknown"),
    ],
)
async def test_what_cannot_be_audited_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await requested(world, **changes)
    assert refused.value.problem_code == code


def test_the_child_tells_half_of_its_scores_with_the_record() -> None:
    said: list[dict[str, Any]] = []
    job = {"audit": 4, "generator": "dpmm-fixed", "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 1}}
    audit(job, said.append)
    done = said[-1]["done"]
    assert [len(done[side]) for side in ("inside", "outside")] == [2, 2]
    assert all(0 <= score <= 1 for side in done.values() for score in side)
