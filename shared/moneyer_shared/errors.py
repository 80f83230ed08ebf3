"""The few ways a request can go wrong, each mapped once to RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

PROBLEM_MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 20
LONGEST_WORDS = 300


class MoneyerError(Exception):
    """Something went wrong on our side."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    usual_headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        reasons: Sequence[Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        self.title = (type(self).__doc__ or "").strip().splitlines()[0]
        self.detail = detail or self.title
        self.problem_code = code or self.code
        self.reasons = [dict(reason) for reason in reasons]
        self.headers = {**self.usual_headers, **(headers or {})}
        self.members = members
        super().__init__(self.detail)

    def problem(self, instance: str | None = None) -> dict[str, Any]:
        """The RFC 9457 body; ``reasons`` and other members only where there are some."""
        body: dict[str, Any] = {
            "type": f"urn:moneyer:problem:{self.problem_code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.problem_code,
        }
        if instance:
            body["instance"] = instance
        if self.reasons:
            body["reasons"] = self.reasons
        return body | self.members


class BadRequest(MoneyerError):
    """The request cannot be read."""

    status = 400
    code = "bad-request"


class Unauthenticated(MoneyerError):
    """A valid bearer token is needed."""

    status = 401
    code = "unauthenticated"


class Forbidden(MoneyerError):
    """The caller may not do this."""

    status = 403
    code = "forbidden"


class NotFound(MoneyerError):
    """There is no such thing."""

    status = 404
    code = "not-found"


class TooSlow(MoneyerError):
    """The request did not come in time."""

    status = 408
    code = "too-slow"


class Conflict(MoneyerError):
    """The state of things does not allow this now."""

    status = 409
    code = "conflict"


class Gone(MoneyerError):
    """It was here and is no longer."""

    status = 410
    code = "gone"


class PreconditionFailed(MoneyerError):
    """Somebody changed it since it was read."""

    status = 412
    code = "precondition-failed"


class TooLarge(MoneyerError):
    """The content is larger than this service accepts."""

    status = 413
    code = "too-large"


class UnsupportedMedia(MoneyerError):
    """This kind of content is not accepted here."""

    status = 415
    code = "unsupported-media-type"


class RangeNotSatisfiable(MoneyerError):
    """No byte of what was asked for lies in that range."""

    status = 416
    code = "range-not-satisfiable"


class Invalid(MoneyerError):
    """The content breaks a rule."""

    status = 422
    code = "invalid"


class PreconditionRequired(MoneyerError):
    """The request must say which state it builds on."""

    status = 428
    code = "precondition-required"


class TooMany(MoneyerError):
    """Too many requests came just now."""

    status = 429
    code = "too-many-requests"


class Unavailable(MoneyerError):
    """A service this one depends on cannot be reached."""

    status = 503
    code = "unavailable"
    usual_headers: ClassVar[Mapping[str, str]] = {"Retry-After": "2"}


KINDS: tuple[type[MoneyerError], ...] = (
    BadRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    TooSlow,
    Conflict,
    Gone,
    PreconditionFailed,
    TooLarge,
    UnsupportedMedia,
    RangeNotSatisfiable,
    Invalid,
    PreconditionRequired,
    TooMany,
    Unavailable,
)


def from_problem(status: int, body: Mapping[str, Any]) -> MoneyerError:
    """Another service's problem, as our own error of the same kind."""
    kind = next((kind for kind in KINDS if kind.status == status), MoneyerError)
    known = {"type", "title", "status", "detail", "code", "instance", "reasons"}
    return kind(
        body.get("detail"),
        code=body.get("code"),
        reasons=body.get("reasons", ()),
        **{key: value for key, value in body.items() if key not in known},
    )


def first_faults(found: Sequence[Mapping[str, str]], more: str = "") -> list[dict[str, str]]:
    """The first few faults of a document, their words cut, and that there are more: an answer is not longer than what
    it answers. The clauses of a decision are no faults and are all told.
    """
    shown = [{name: words[:LONGEST_WORDS] for name, words in fault.items()} for fault in found[:MOST_FAULTS]]
    return [*shown, {"code": "more", "where": "", "message": more}] if more else shown
