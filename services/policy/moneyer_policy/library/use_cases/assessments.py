"""Privacy impact assessments by questionnaire, and compliance reviews of models."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_policy.charters.rules.versions import VersionRecord
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.library.documents import (
    Assessment,
    AssessmentRequest,
    Compliance,
    ModelReview,
    Questionnaire,
    QuestionnaireVersion,
)
from moneyer_policy.library.rules.assessment import Risk, check_acceptable, check_answers, worst_residual
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.library.use_cases.owners import check_owner
from moneyer_policy.reviews.documents import ReviewOpened
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Name
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word


async def publish_questionnaire(work: Work, asked: Questionnaire) -> QuestionnaireVersion:
    """A new version of a questionnaire; assessments made with former versions stand.

    Raises:
        Invalid: two questions have the same id.
        Forbidden: the questionnaire of this name is somebody else's.
    """
    ids = [question.id for question in asked.questions]
    if len(set(ids)) != len(ids):
        raise Invalid("Two questions have the same id.", code="questions-repeat")
    document, name = asked.model_dump(mode="json"), asked.name
    made = await LibraryStore(work.connection).add_template(name, document, digest(document), work.by, work.now)
    await check_owner(work, "questionnaire", name)
    details = {"version": made.version}
    await work.tell(AuditEvent(work.by, Action.QUESTIONNAIRE_PUBLISH, Word(f"questionnaire:{name}"), details=details))
    return made


async def list_questionnaires(work: Work) -> list[QuestionnaireVersion]:
    """All questionnaires in all versions."""
    return await LibraryStore(work.connection).templates()


async def assess_charter(work: ChangingRules, charter_id: UUID, asked: AssessmentRequest) -> Assessment:
    """Record an assessment of a text that was voted on or is the newest, by somebody independent of it.

    Raises:
        NotFound: there is no such charter or questionnaire.
        Forbidden: the assessor owns, drafted, wrote or submitted the charter.
        Conflict: the text is neither, so the charter changed since it was read.
        Invalid: the answers do not fit the questionnaire, or the risk left is above its limit.
    """
    if asked.valid_until <= work.now:
        raise Invalid("valid_until must lie in the future.", code="assessment-expired")
    version = await _assessed(work, charter_id, asked)
    risks = [stated.risk() for stated in asked.risks]
    store = LibraryStore(work.connection)
    made = await store.assess(
        charter_id=charter_id,
        digest=asked.digest,
        assessor=work.by,
        acceptable=asked.acceptable,
        summary=asked.summary,
        template=asked.template,
        template_version=await _check_answers(store, asked, risks),
        answers=asked.answers,
        risks=[stated.model_dump() for stated in asked.risks],
        residual_risk=worst_residual(risks),
        valid_until=asked.valid_until,
        made_at=work.now,
    )
    payload = {"to": version.document["owner"], "charter": str(charter_id)}
    await work.schedule("assessment.expiry", f"assessment:{made.id}", made.valid_until, payload)
    details, shown = {"version": version.version, "digest": made.digest}, {"assessment": made.as_evidence()}
    await work.tell(AuditEvent(work.by, Action.CHARTER_ASSESS, f"charter:{charter_id}", details=details, shown=shown))
    return made


async def _assessed(work: Work, charter_id: UUID, asked: AssessmentRequest) -> VersionRecord:
    """The version with this text: one that was voted on, so that a draft leaves none unassessed, or the newest.

    Raises:
        NotFound: there is no such charter.
        Conflict: neither has this text.
        Forbidden: the assessor answers for this text, or for what is in force. Whom only a draft names still says no.
    """
    store, now = CharterStore(work.connection), work.now
    newest, present = await store.newest_version(charter_id, now), await store.find_governing(charter_id, now)
    same = [row for row in await store.versions(charter_id, now) if row.digest == asked.digest]
    living = [row for row in same if row.in_force_at is not None or row.version == newest.version]
    if not living:
        raise Conflict("The charter changed since it was read; assess its present digest.", code="digest-changed")
    own = {person for row in same for person in (*row.authors, row.submitter)}
    own |= {row.document["owner"] for row in same if asked.acceptable or row.in_force_at is not None}
    if work.by in own | {await store.creator(charter_id), present.document["owner"] if present is not None else None}:
        raise Forbidden("Nobody assesses their own charter.", code="own-matter")
    return living[-1]


async def _check_answers(store: LibraryStore, asked: AssessmentRequest, risks: Sequence[Risk]) -> int | None:
    """The version of the questionnaire that the answers fit; None where there is none to fit.

    Raises:
        NotFound: there is no such questionnaire.
        Invalid: they do not fit it, or the risk left is above its limit.
    """
    if asked.template is None:
        return None
    used = await store.template(asked.template)
    questionnaire = used.read()
    check_answers(questionnaire.questions, asked.answers)
    check_acceptable(questionnaire.maximum_residual_risk, risks, acceptable=asked.acceptable)
    return used.version


# --- models -------------------------------------------------------------------------------


async def review_model(work: ChangingRules, model: Name, asked: ModelReview) -> ReviewOpened:
    """Put a model trained on assets up for a compliance review.

    Raises:
        Conflict: it is being reviewed.
    """
    document = {"model": model} | asked.model_dump(mode="json")
    return await reviews.put_up(work, reviews.Matter("model", f"model:{model}", document, named=(asked.owner,)))


async def get_compliance(work: Work, model: Name) -> Compliance:
    """What was decided on a model last."""
    row = await ReviewStore(work.connection).latest_on("model", f"model:{model}")
    if row is None:
        return Compliance(model=model, state="unreviewed", review=None)
    review = await reviews.describe(work, row)
    return Compliance(model=model, state=review.state, review=review)
