"""What can go wrong with a place outside, in our own words: a driver's may hold values, addresses or the secret."""

from collections.abc import Sequence

Reasons = Sequence[dict[str, str | int]]


class Fault(Exception):
    """A table could not be fetched or delivered; ``detail`` says what to do, with nothing of the place's own words."""

    def __init__(self, code: str, detail: str, reasons: Reasons = ()) -> None:
        self.code = code
        self.detail = detail
        self.reasons = [*reasons]
        super().__init__(detail)


def not_allowed(detail: str) -> Fault:
    return Fault("not-allowed", detail)


def unreachable() -> Fault:
    return Fault("unreachable", "The place could not be reached: nothing answers there, or it broke off. Try again.")


def credentials_refused() -> Fault:
    return Fault(
        "credentials-refused",
        "The place refused the user or the secret. See what the secret_ref names, and what the user may do there.",
    )


def tls_refused() -> Fault:
    return Fault(
        "tls-refused",
        "No TLS connection that the target's tls asks for could be made: see the server's certificate.",
    )


def too_slow() -> Fault:
    return Fault(
        "too-slow", "It took longer than a pull or delivery may take (PULL_SECONDS). Ask for less, or raise the limit."
    )


def not_found(what: str) -> Fault:
    return Fault("not-found", f"There is no such {what} there, or the user may not see it.")


def schema_moved() -> Fault:
    return Fault("schema-moved", "The query names a column that is not there (any more): ask for those that are.")


def not_permitted() -> Fault:
    return Fault("not-permitted", "The database's user may not read that; have it granted SELECT.")


def query_failed(told: str) -> Fault:
    """``told`` is what may be said of it: its number or SQLSTATE in brackets, or nothing."""
    return Fault("query-failed", f"The query failed while it ran{told}; run it by hand as the same user to see why.")


def query_refused(why: str) -> Fault:
    return Fault("query-refused", f"{why} Send one SELECT, or the name of a table.")


def unreadable(what: str) -> Fault:
    return Fault("table-unreadable", f"It is not a readable {what}.")
