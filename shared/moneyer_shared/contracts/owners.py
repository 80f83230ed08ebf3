"""Whose a thing is, on the wire."""

from typing import Annotated

from pydantic import Field

from moneyer_shared.contracts.documents import Document

Owner = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class NewOwner(Document):
    """Whom a thing is given to: the subject of their tokens."""

    owner: Owner


class Ownership(Document):
    """A thing, by its kind and its id or name, and whose it is."""

    kind: str
    subject: str
    owner: str
