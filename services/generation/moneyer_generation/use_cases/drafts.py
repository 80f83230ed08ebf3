"""Drafts of declarations: made of public documents alone, and kept nowhere."""

from moneyer_generation.dependencies import Flow
from moneyer_shared.contracts.drafts import DraftRequest, NamedText, SourceDraft
from moneyer_shared.documents import apart
from moneyer_shared.drafting import draft
from moneyer_shared.drafting.answers import read_answers
from moneyer_shared.drafting.formats import codebook
from moneyer_shared.drafting.given import Given
from moneyer_shared.drafting.rows import is_table
from moneyer_shared.errors import Invalid


async def draft_source(_: Flow, asked: DraftRequest) -> SourceDraft:
    """Propose a declaration; nothing is read but what was sent, and nothing is kept.

    Raises:
        Invalid: a document is in no format that is known here, or damaged, or holds rows.
        TooLarge: a document is larger than a person would read.
    """
    return await apart(_drafted, asked)


def _drafted(asked: DraftRequest) -> SourceDraft:
    return draft.draft_source(
        draft.Inputs(
            documents=[_public(document) for document in asked.documents],
            answers=read_answers(asked.answers),
            table=asked.table,
            name=asked.name,
            population_id=asked.population_id,
        )
    )


def _public(document: NamedText) -> Given:
    """A document that tells of a table and is none.

    Raises:
        Invalid: it is a table, whose rows come by an upload, checked and sealed, or not at all.
    """
    given = Given(document.name, document.text.encode())
    if is_table(given) and not codebook.fits(given):
        raise Invalid(
            "This door takes no rows: it reads schemas and codebooks. Draft from the table on your own machine with "
            "moneyer source draft, which sends nothing.",
            code="rows-not-taken",
        )
    return given
