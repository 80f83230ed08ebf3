"""YAML as JSON would be read: versions of YAML, and readers of one version, differ in what plain words mean.

Events are read and built by hand, from the fastest parser there is, so that every mapping is seen before a key is lost.
A word that YAML 1.1 or 1.2 takes for anything but text is refused unless JSON writes it so; a decimal fraction stays
the text it was written as, for amounts are text in documents; dates are text in JSON too.
"""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from moneyer_shared.documents import DEEPEST, EXACT, Whole, check_storable, key_twice, too_deep, utf8
from moneyer_shared.errors import Invalid

LARGEST_YAML = 256 * 1024
MOST_PARTS = 50_000
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENDS_A_LINE_TO_SOME = re.compile("[\x85\u2028\u2029]")
"""Line breaks of YAML 1.1 that are letters to YAML 1.2."""
_WORDS = {"null": None, "": None, "true": True, "false": False}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_OTHERWISE = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|[yYnN]")
"""What YAML 1.2 reads as a number, and the letters that YAML 1.1 reads as true and false."""
_TEXT_IN_JSON = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"}


def read_yaml(content: bytes) -> Any:
    """The value that a YAML document states.

    Raises:
        Invalid: it is no YAML, states a key twice, or holds what readers of YAML read in different ways.
    """
    text = utf8(content, "yaml-unreadable")
    if _ENDS_A_LINE_TO_SOME.search(text):
        raise Invalid("A line ends with LF or CRLF; write other separators as escapes.", code="yaml-ambiguous")
    try:
        document = _Build().of(yaml.parse(text, Loader=_PARSER))
    except (yaml.YAMLError, RecursionError) as error:
        raise Invalid("The body is not YAML.", code="yaml-unreadable") from error
    check_storable(document)
    return document


class _Build:
    """Puts a document together from a parser's events."""

    def __init__(self) -> None:
        self._open: list[Whole] = []
        self._keys: list[str | None] = []
        self._parts = 0
        self._documents: list[object] = []

    def of(self, events: Iterable[object]) -> Any:
        for event in events:
            self._parts += 1
            if self._parts > MOST_PARTS:
                raise Invalid(f"YAML may have {MOST_PARTS} parts here; send it as JSON.", code="too-many-parts")
            self._take(event)
        if len(self._documents) != 1:
            raise Invalid("Send one YAML document.", code="yaml-unreadable")
        return self._documents[0]

    def _take(self, event: object) -> None:
        match event:
            case yaml.DocumentStartEvent() if event.version or event.tags:
                raise Invalid("Leave out YAML's directives.", code="yaml-ambiguous")
            case yaml.AliasEvent():
                raise Invalid("Aliases are not read; write it out.", code="yaml-ambiguous")
            case yaml.ScalarEvent():
                _check_bare(event)
                self._add(_value(event.value) if event.implicit[0] else event.value)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                _check_bare(event)
                self._begin([] if isinstance(event, yaml.SequenceStartEvent) else {})
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self._open.pop()
                self._keys.pop()
                self._add(done)
            case _:
                return

    def _begin(self, whole: Whole) -> None:
        if len(self._open) == DEEPEST:
            raise too_deep()
        self._open.append(whole)
        self._keys.append(None)

    def _add(self, value: object) -> None:
        if not self._open:
            self._documents.append(value)
            return
        whole, key = self._open[-1], self._keys[-1]
        if isinstance(whole, list):
            whole.append(value)
        elif key is not None:
            whole[key] = value
            self._keys[-1] = None
        elif not isinstance(value, str):
            raise Invalid("The name of a member is text; put it in quotes.", code="yaml-ambiguous")
        elif value in whole:
            raise key_twice(value)
        else:
            self._keys[-1] = value


def _check_bare(event: Any) -> None:
    if event.anchor is not None or event.tag is not None:
        raise Invalid("Anchors and tags are not read; write it out.", code="yaml-ambiguous")


def _value(word: str) -> Any:
    """What a word without quotes says.

    Raises:
        Invalid: readers differ in it.
    """
    if word in _WORDS:
        return _WORDS[word]
    if _WHOLE.fullmatch(word) and abs(int(word)) <= EXACT:
        return int(word)
    if _FRACTION.fullmatch(word):
        return word
    if _OTHERWISE.fullmatch(word) or _tag_in_yaml_1_1(word) not in _TEXT_IN_JSON:
        shown = word[:60].encode("unicode_escape").decode()
        raise Invalid(
            f"Readers of YAML differ in what {shown} is: put it in quotes, or write it as JSON would.",
            code="yaml-ambiguous",
        )
    return word


def _tag_in_yaml_1_1(word: str) -> str:
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in (*resolvers.get(word[0], ()), *resolvers.get(None, ())):
        if pattern.match(word):
            return str(tag)
    return "tag:yaml.org,2002:str"
