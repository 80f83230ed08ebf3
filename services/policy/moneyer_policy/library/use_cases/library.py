"""The library: approved configurations, rejection criteria, training, access policies."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from moneyer_policy.charters.rules.extra_rules import check_work, compile_access_rule
from moneyer_policy.library.documents import (
    AccessPolicy,
    AccessPolicyRequest,
    Attestation,
    AttestationRequest,
    Configuration,
    ConfigurationDocument,
    NewRejectionCriterion,
    RejectionCriterion,
    RejectionRequest,
)
from moneyer_policy.library.rules.library import Rejection, read_entry, read_rejection
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.library.use_cases.owners import check_owner
from moneyer_policy.reviews.documents import Subject
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Name
from moneyer_shared.contracts.policy import Condemnation
from moneyer_shared.errors import Conflict, Forbidden, Invalid, NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.work import Dependencies, Workflow

MOST_CRITERIA = 200
MOST_CRITERIA_OF_ONE = 50
"""So that nobody alone takes all the places, and with them the means to stop something."""
OF_AUDITS = "audit-"


# --- configurations -----------------------------------------------------------------------


async def propose_configuration(work: ChangingRules, asked: ConfigurationDocument) -> Configuration:
    """Put a configuration up for approval; once approved it replaces the one of its name.

    Raises:
        Invalid: a default lies outside its own range, or has none.
    """
    document = asked.model_dump(mode="json", exclude_none=True)
    entry = read_entry(document, digest(document))
    store = LibraryStore(work.connection)
    made = await store.propose(
        name=entry.name, document=document, digest=entry.digest, state="proposed", made_by=work.by, made_at=work.now
    )
    matter = reviews.Matter("configuration", f"configuration:{made}", document)
    return await store.set_configuration(made, review_id=await reviews.open_review(work, matter))


async def conclude(decided: Decided) -> Mapping[str, str]:
    """What the votes made of a proposed configuration."""
    work, row = decided.work, decided.row
    store, configuration_id = LibraryStore(work.connection), UUID(row.subject.split(":")[1])
    if not decided.approved:
        await store.set_configuration(configuration_id, state="rejected")
        return {"state": "rejected"}
    await store.supersede_configuration(row.document["name"])
    await store.set_configuration(configuration_id, state="approved")
    await work.tell(AuditEvent("policy", Action.CONFIGURATION_APPROVE, row.subject))
    return {"state": "approved"}


async def retire_configuration(work: ChangingRules, name: Name) -> None:
    """Take a configuration out of use at once.

    Raises:
        NotFound: none of that name is approved.
    """
    await get_configuration(work, name)
    await LibraryStore(work.connection).supersede_configuration(name)
    await work.tell(AuditEvent(work.by, Action.CONFIGURATION_RETIRE, Word(f"configuration:{name}")))


async def list_configurations(work: Work, name: Name | None = None) -> list[Configuration]:
    return await LibraryStore(work.connection).configurations(name=name)


async def get_configuration(work: Work, name: Name) -> Configuration:
    """The approved configuration of a name.

    Raises:
        NotFound: there is none.
    """
    found = await LibraryStore(work.connection).configurations(state="approved", name=name)
    if not found:
        raise NotFound(f"The library has no approved configuration {name}.")
    return found[0]


# --- rejection criteria -------------------------------------------------------------------


async def check_criterion(flow: Workflow[Dependencies], asked: RejectionRequest) -> None:
    """Compile a criterion before any transaction waits for that.

    Raises:
        Invalid: the condition does not compile, may take too long, or has a name that only audits' have.
    """
    if asked.name.startswith(OF_AUDITS):
        raise Invalid(f"Names that begin with {OF_AUDITS} are those of audits; choose another.", code="name-reserved")
    read_rejection(asked.name, asked.expression, asked.reason, flow.by)
    check_work(asked.expression)


async def add_rejection_criterion(work: ChangingRules, asked: RejectionRequest) -> NewRejectionCriterion:
    """Have every plan that matches a condition refused from now on.

    Raises:
        Conflict: the name is taken, or there are as many criteria as may be, of one person or in all.
    """
    _check_room(await LibraryStore(work.connection).rejections(), work.by)
    return await _add_criterion(work, asked)


async def condemn_generator(work: ChangingRules, asked: Condemnation) -> NewRejectionCriterion:
    """Refuse plans that rest on a claim of privacy that an audit disproved; there is always room for that.

    Raises:
        Conflict: this audit was told already.
    """
    criterion = RejectionRequest(
        name=f"{OF_AUDITS}{asked.audit_id}",
        # A generator's name holds nothing that CEL would read as more than text.
        expression=f"generator == '{asked.generator}' && guarantee != 'none'",
        reason=f"An audit measured an ε of at least {asked.measured} where {asked.claimed} is claimed.",
    )
    return await _add_criterion(work, criterion)


async def _add_criterion(work: Work, asked: RejectionRequest) -> NewRejectionCriterion:
    made = await LibraryStore(work.connection).reject(**dict(asked), made_by=work.by, made_at=work.now)
    await work.tell(AuditEvent(work.by, Action.REJECTION_MAKE, f"rejection:{made.id}"))
    return NewRejectionCriterion(id=made.id, **dict(asked), by=made.made_by)


def _check_room(criteria: Sequence[Rejection], by: str) -> None:
    """Raises Conflict: there are too many, of one person or in all."""
    own = sum(one.by == by for one in criteria)
    if own < MOST_CRITERIA_OF_ONE and len(criteria) < MOST_CRITERIA:
        return
    count = f"You have {own}" if own >= MOST_CRITERIA_OF_ONE else f"There are {len(criteria)}"
    raise Conflict(
        f"{count} rejection criteria, and every plan waits for all; withdraw some first.", code="too-many-criteria"
    )


async def list_rejection_criteria(work: Work) -> list[RejectionCriterion]:
    return await LibraryStore(work.connection).rejection_rows()


async def withdraw_rejection_criterion(work: ChangingRules, rejection_id: UUID) -> None:
    """Let plans that match a condition pass again.

    Raises:
        NotFound: there is no such criterion in use.
        Forbidden: it is somebody else's.
    """
    await check_owner(work, "rejection-criterion", rejection_id)
    await LibraryStore(work.connection).withdraw(rejection_id, work.by, work.now)
    await work.tell(AuditEvent(work.by, Action.REJECTION_WITHDRAW, f"rejection:{rejection_id}"))


# --- training -----------------------------------------------------------------------------


async def attest_training(work: ChangingRules, asked: AttestationRequest) -> Attestation:
    """Attest that somebody was trained in a topic.

    Raises:
        Forbidden: it is oneself.
        Invalid: the attestation has ended already.
    """
    if asked.person == work.by:
        raise Forbidden("Nobody attests their own training.", code="own-matter")
    if asked.valid_until <= work.now:
        raise Invalid("valid_until must lie in the future.", code="attestation-expired")
    made = await LibraryStore(work.connection).attest(**dict(asked), attested_by=work.by, made_at=work.now)
    payload = {"to": asked.person, "topic": asked.topic}
    await work.schedule("training.expiry", f"training:{made.id}", asked.valid_until, payload)
    await work.tell(AuditEvent(work.by, Action.TRAINING_ATTEST, f"training:{made.id}", people={"person": asked.person}))
    return made


async def list_attestations(work: Work, person: Subject | None = None) -> list[Attestation]:
    return await LibraryStore(work.connection).attestations(person)


# --- access policies ----------------------------------------------------------------------


async def check_access_policy(flow: Workflow[Dependencies], asked: AccessPolicyRequest) -> None:
    """Compile a policy before any transaction waits for that.

    Raises:
        Invalid: it does not compile, may take too long, or is of sources or assets.
    """
    del flow
    compile_access_rule(asked.expression)
    check_work(asked.expression)
    if asked.resource_type in {"source", "asset"}:
        raise Invalid("Sources and assets are decided by charters and grants.", code="resource-type-reserved")


async def set_access_policy(work: ChangingRules, asked: AccessPolicyRequest) -> AccessPolicy:
    """Say who may do what to a kind of resource that is not moneyer's own; it replaces the one before.

    Raises:
        Forbidden: the kind of resource is somebody else's to write policies of.
    """
    made = await LibraryStore(work.connection).add_access_policy(**dict(asked), made_by=work.by, made_at=work.now)
    await check_owner(work, "access-policy", asked.resource_type)
    await work.tell(AuditEvent(work.by, Action.ACCESS_POLICY_SET, f"access-policy:{made.id}"))
    return made


async def list_access_policies(work: Work) -> list[AccessPolicy]:
    """Those in use."""
    return await LibraryStore(work.connection).access_policies()
