"""People as lists are asked for theirs."""

from typing import Annotated

from pydantic import Field

ME = "me"
Whose = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Only of this person; `me` is whoever asks.",
    ),
]
"""A subject, or ``me``."""


def subject_named(asked: str | None, by: str) -> str | None:
    """Who is meant where ``by`` asks; None where nobody is."""
    return by if asked == ME else asked
