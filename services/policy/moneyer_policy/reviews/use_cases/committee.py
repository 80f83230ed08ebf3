"""The committee: appointments, removals, delegations and the quorum rules of the house."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from moneyer_policy.reviews.documents import (
    Committee,
    Delegation,
    DelegationRequest,
    Made,
    Member,
    QuorumRule,
    StagedQuorum,
)
from moneyer_policy.reviews.rules.quorum import Quorum, read_quorum, required
from moneyer_policy.reviews.rules.review import check_delegation
from moneyer_policy.reviews.rules.schema import QUORUM_SCHEMA, StrictValidator, schema_faults
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.use_cases.kinds import Kind
from moneyer_policy.work import Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Forbidden, Invalid
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

_validator = StrictValidator(QUORUM_SCHEMA)
COMMITTEE = Word("committee")


async def appoint_member(work: Work, member: Member) -> None:
    """Give somebody a function; nothing happens where they hold it.

    Raises:
        Forbidden: it is oneself.
    """
    if member.subject == work.by:
        raise Forbidden("Nobody appoints themself to the committee.", code="own-matter")
    if await CommitteeStore(work.connection).appoint(member.subject, member.function, work.by, work.now):
        await _tell(work, Action.COMMITTEE_APPOINT, member.function, member=member.subject)


async def remove_member(work: Work, member: Member) -> None:
    """Take a function away; votes cast with it stand.

    Raises:
        NotFound: the person does not hold it.
    """
    await CommitteeStore(work.connection).remove(member.subject, member.function, work.by, work.now)
    await _tell(work, Action.COMMITTEE_REMOVE, member.function, member=member.subject)


async def list_members(work: Work) -> list[Member]:
    return await CommitteeStore(work.connection).members()


async def get_committee(work: Work, version: Annotated[int | None, Field(ge=0, lt=2**31)] = None) -> Committee:
    store = CommitteeStore(work.connection)
    at = version if version is not None else await store.version()
    return Committee(version=at, members=await store.members(at))


async def delegate_function(work: Work, asked: DelegationRequest) -> Made:
    """Lend one's function to somebody else for a time.

    Raises:
        Forbidden: it is not one's own, or the delegate would hold two at any moment of that time.
        Invalid: the time is empty or past.
    """
    if asked.valid_until <= max(work.now, asked.valid_from):
        raise Invalid("A delegation must end after it begins, and in the future.", code="delegation-dates")
    store, delegate = CommitteeStore(work.connection), asked.delegate
    own = await store.functions_of(work.by)
    theirs = await store.functions_during(delegate, asked.valid_from, asked.valid_until)
    check_delegation(work.by, delegate, asked.function, own, theirs)
    made = await store.delegate(work.by, asked, work.now)
    await _tell(work, Action.COMMITTEE_DELEGATE, asked.function, delegation=made, delegate=delegate)
    return Made(id=made)


async def _tell(work: Work, action: Action, function: str, *, delegation: UUID | None = None, **people: str) -> None:
    """What was done with a function, and to whom: in the log as digests."""
    details = {"function": Word(function), **({"id": str(delegation)} if delegation else {})}
    await work.tell(AuditEvent(work.by, action, COMMITTEE, details=details, people=people))


async def revoke_delegation(work: Work, delegation_id: UUID) -> None:
    """End a delegation of one's own.

    Raises:
        NotFound: there is none that still runs.
        Forbidden: it is somebody else's.
    """
    await CommitteeStore(work.connection).revoke(delegation_id, work.by, work.now)
    await work.tell(AuditEvent(work.by, Action.COMMITTEE_REVOKE, COMMITTEE, details={"id": str(delegation_id)}))


async def list_delegations(work: Work) -> list[Delegation]:
    return await CommitteeStore(work.connection).delegations()


async def set_quorum_rule(work: Work, kind: str, document: Mapping[str, Any]) -> QuorumRule:
    """Write the house's quorum rule for a kind of review; it adds to the floor, and reviews that are open meet it too.

    Raises:
        Invalid: the rule does not fit its schema.
    """
    if faults := schema_faults(_validator, document):
        raise Invalid("The quorum rule does not fit its schema.", code="quorum-invalid", reasons=faults)
    rule = read_quorum(document)
    version = await CommitteeStore(work.connection).set_quorum(kind, document, work.by, work.now)
    details = {"kind": Word(kind), "version": version, "digest": digest(dict(document))}
    await work.tell(AuditEvent(work.by, Action.COMMITTEE_SET_QUORUM, COMMITTEE, details=details))
    return _rule(work.dependencies.kinds[kind], version, rule)


async def list_quorum_rules(work: Work) -> list[QuorumRule]:
    """What every kind of matter takes by the house alone."""
    rules = await CommitteeStore(work.connection).quorums()
    return [_rule(kind, *rules.get(kind.name, (0, None))) for kind in work.dependencies.kinds.values()]


def _rule(kind: Kind, version: int, rule: Quorum | None) -> QuorumRule:
    quorum = StagedQuorum.model_validate(required(kind.floor, rule))
    return QuorumRule(kind=kind.name, version=version, **dict(quorum))
