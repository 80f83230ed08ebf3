"""Privacy impact assessments: a versioned questionnaire, its answers, and the risk that is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from moneyer_shared.errors import Invalid


@dataclass(frozen=True)
class Assessment:
    """A privacy impact assessment of one charter digest."""

    assessor: str
    digest: str
    acceptable: bool
    valid_until: datetime
    template: str | None = None


@dataclass(frozen=True)
class Risk:
    """One risk before and after what is done about it."""

    description: str
    likelihood: int
    severity: int
    mitigation: str
    residual_likelihood: int
    residual_severity: int

    @property
    def score(self) -> int:
        return self.likelihood * self.severity

    @property
    def residual(self) -> int:
        return self.residual_likelihood * self.residual_severity


class Question(Protocol):
    """One question of a questionnaire."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> Literal["yes-no", "choice", "text"]: ...
    @property
    def choices(self) -> Sequence[str]: ...


def check_answers(questions: Sequence[Question], answers: Mapping[str, object]) -> None:
    """Whether every question is answered, and only with what it offers.

    Raises:
        Invalid: with one reason per question.
    """
    reasons = [
        {"code": "answer", "where": question.id, "message": fault}
        for question in questions
        if (fault := _fault(question, answers.get(question.id)))
    ]
    known = {question.id for question in questions}
    reasons += [
        {"code": "answer", "where": name, "message": "there is no such question"}
        for name in sorted(set(answers) - known)
    ]
    if reasons:
        raise Invalid("The answers do not fit the questionnaire.", code="answers-invalid", reasons=reasons)


def _fault(question: Question, answer: object) -> str | None:
    if answer is None:
        return "an answer is missing"
    match question.kind:
        case "yes-no" if not isinstance(answer, bool):
            return "answer true or false"
        case "choice" if answer not in question.choices:
            return "choose one of " + ", ".join(question.choices)
        case "text" if not isinstance(answer, str) or not answer.strip():
            return "answer in words"
        case _:
            return None


def worst_residual(risks: Sequence[Risk]) -> int:
    """The largest risk left after mitigation; 0 where none was found."""
    return max((risk.residual for risk in risks), default=0)


def check_acceptable(limit: int, risks: Sequence[Risk], *, acceptable: bool) -> None:
    """An assessor may call less acceptable than a questionnaire's ``limit`` of likelihood × severity, never more.

    Raises:
        Invalid: the residual risk lies above the limit.
    """
    if acceptable and worst_residual(risks) > limit:
        raise Invalid(
            f"A residual risk of {worst_residual(risks)} lies above the template's {limit}; it cannot be acceptable.",
            code="risk-too-high",
        )


AssessmentState = Literal["acceptable", "refused", "expired", "superseded"]


def latest_of_each(entries: Sequence[Assessment], digest: str) -> tuple[Assessment, ...]:
    """The last that each assessor said of a text, of entries in the order they were said in.

    A yes may be taken back and a no too, each only by who said it.
    """
    last = {entry.assessor: entry for entry in entries if entry.digest == digest}
    return tuple(last.values())


def assessment_state(entry: Assessment, entries: Sequence[Assessment], now: datetime) -> AssessmentState:
    """What an assessment is worth at a moment: a no does not expire, a yes does, and who spoke again spoke last."""
    if not any(entry is one for one in latest_of_each(entries, entry.digest)):
        return "superseded"
    if not entry.acceptable:
        return "refused"
    return "acceptable" if now < entry.valid_until else "expired"
