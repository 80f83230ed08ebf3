"""What becomes of values outside a domain, as a person answers it, and as a draft asks it: never by itself."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from moneyer_shared.contracts.drafts import Question
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.documents import faults_of
from moneyer_shared.drafting.answers import RULES, Answers
from moneyer_shared.drafting.facts import ORDERED
from moneyer_shared.errors import Invalid

REFUSED = "refused, with column and row"


def ruled(domain: Mapping[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """The members of a column that say its domain and its rule; a label of one's own is listed beside the others."""
    word = _word_for(str(domain["kind"]))
    if word is None or word not in answers:
        return {"domain": dict(domain)}
    said = answers[word]
    if word == "unlisted" and said not in {"refuse", "null", *domain["categories"]}:
        domain = {**domain, "categories": [*domain["categories"], said]}
    return {"domain": dict(domain), word: said}


def _word_for(kind: str) -> str | None:
    """Which answer speaks of a kind of domain; none of text, and of what is still to be measured."""
    return "unlisted" if kind == "categorical" else "outside" if kind in ORDERED else None


def check_rules_fit(answers: Answers, columns: Sequence[Column]) -> None:
    """That each such answer is of a column that it can be of: a pattern leaves aside what it does not fit.

    Raises:
        Invalid: it is of none.
    """
    for pattern, word, _ in answers.columns:
        if word in RULES and not any(
            fnmatchcase(one.name, pattern) and _word_for(one.domain.kind) == word for one in columns
        ):
            what = "categories" if word == "unlisted" else "bounds"
            raise Invalid(
                f"No column called {pattern[:100]!r} has {what} that {word} could be of.", code="answer-unfit"
            )


def with_rules(declaration: SourceDeclaration, answers: Answers) -> SourceDeclaration:
    """A declaration with the rules that a person answers, and nothing else changed.

    Raises:
        Invalid: an answer is of something else, or does not fit.
    """
    others = {word for _, word, _ in answers.columns} - RULES | answers.source.keys()
    if others:
        raise Invalid(f"Only {' and '.join(sorted(RULES))} are answered here, not {min(others)}.", code="answer-unfit")
    check_rules_fit(answers, declaration.columns)
    document = declaration.model_dump(mode="json")
    for column in document["columns"]:
        column.update(ruled(column["domain"], answers.of(column["name"])))
    try:
        return SourceDeclaration.model_validate(document)
    except ValidationError as error:
        raise Invalid("What was answered does not fit.", code="answer-unfit", reasons=faults_of(error)) from None


def rule_questions(kinds: Mapping[str, str]) -> list[Question]:
    """What to decide of columns whose domains, of these kinds, were measured.

    What few people hold is not in them, and will come again.
    """
    bounds = [name for name, kind in kinds.items() if _word_for(kind) == "outside"]
    lists = [name for name, kind in kinds.items() if _word_for(kind) == "unlisted"]
    asked: list[Question] = []
    if bounds:
        asks = (
            "What too few people hold was not found and lies outside these bounds: an upload that holds it is refused. "
            "Should it be moved to the nearest bound (NAME=outside nearest), where such values then pile up, or become "
            "missing where the column may be (NAME=outside null)? Either looks at no other row, so proofs hold."
        )
        asked.append(Question(answer=f"{bounds[0]}=outside ", asks=asks, default=REFUSED, columns=bounds))
    if lists:
        asks = (
            "Labels that too few people hold were not found: an upload that holds one is refused. Should they be put "
            "under a label of your own, which is then listed too (NAME=unlisted other), or become missing where the "
            "column may be (NAME=unlisted null)? A misspelt label is put there as well: look at how many there were."
        )
        asked.append(Question(answer=f"{lists[0]}=unlisted ", asks=asks, default=REFUSED, columns=lists))
    return asked
