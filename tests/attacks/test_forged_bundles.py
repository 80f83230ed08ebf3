"""Bundles that lie: packed so that tools disagree, or forged by whoever holds the log's key."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attacks.forgeries import Files, every_value, forged, judged, listed, packed, recorded, swallowed
from typer.testing import CliRunner

from moneyer.audit import NotProven
from moneyer.cli.audit import app
from moneyer.evidence import Bundle
from moneyer.evidence.bundle import NAMES
from moneyer.evidence.documents import read_strictly, written
from moneyer.evidence.packed import unpack

FILES, KEY = recorded()
HONEST = Bundle(FILES, KEY)


def test_the_recorded_bundle_holds() -> None:
    report = Bundle(unpack(packed(FILES), NAMES), KEY).check()
    assert report.holds, report.contradicted
    assert len(report.proven) > 20 * report.unproven_count


# --- one file, two readings ------------------------------------------------------------------------


def twice(files: Files) -> bytes:
    """The lie first, the truth last: some tools show the one, others the other."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in [("votes.json", b"[]"), *sorted(files.items())]:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def renamed(name: str, files: Files) -> bytes:
    """A member that ends early, climbs, or looks like another, by name."""
    long = "votes.json" + "x" * (len(name) - len("votes.json"))
    others = {one: content for one, content in files.items() if one != "votes.json"}
    return packed(others | {long: files["votes.json"]}).replace(long.encode(), name.encode())


def encrypted(content: bytes) -> bytes:
    """Every member says that it is encrypted."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            changed[place + offset] |= 1
            place = content.find(mark, place + 1)
    return bytes(changed)


def with_method(method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return made.getvalue()


def bomb() -> bytes:
    return packed(FILES | {"events.json": b"0" * (300 * 2**20)})


def described_twice() -> bytes:
    """A member's own header names another file than the directory does."""
    content = bytearray(packed(FILES))
    place = content.find(b"votes.json")
    content[place : place + 10] = b"cotes.json"
    return bytes(content)


def smaller_than_it_is() -> bytes:
    """The directory and the header say a smaller size than what the member unpacks to."""
    content = bytearray(packed(FILES))
    size = len(FILES["votes.json"]).to_bytes(4, "little")
    for mark, at, name_at in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        place = next(
            place for place in range(len(content)) if content[place : place + 4] == mark
            and content[place + name_at : place + name_at + 10] == b"votes.json"
        )  # fmt: skip
        assert content[place + at : place + at + 4] == size
        content[place + at : place + at + 4] = (10).to_bytes(4, "little")
    return bytes(content)


def with_a_gap() -> bytes:
    """Bytes that no member holds lie before the second member, and all offsets are right."""
    content, more = bytearray(packed(FILES)), b"between"
    gap, directory = content.find(b"PK\x03\x04", 4), content.find(b"PK\x01\x02")
    places = [(content.rfind(b"PK\x05\x06") + 16, 0)]
    while directory >= 0:
        places.append((directory + 42, gap))
        directory = content.find(b"PK\x01\x02", directory + 4)
    for place, least in places:
        start = int.from_bytes(content[place : place + 4], "little")
        content[place : place + 4] = (start + len(more) * (start >= least)).to_bytes(4, "little")
    return bytes(content[:gap] + more + content[gap:])


ZIPS: dict[str, Callable[[], bytes]] = {
    "a member twice": lambda: twice(FILES),
    "a name with NUL": lambda: renamed("votes.json\x00.txt", FILES),
    "a name that climbs": lambda: renamed("../../votes.json", FILES),
    "a name with an escape": lambda: renamed("\x1b[2Jvotes.json", FILES),
    "a member more": lambda: packed(FILES | {"log.key": KEY.encode()}),
    "something before it": lambda: b"#!/bin/sh\n" + packed(FILES),
    "something between two members": with_a_gap,
    "something after it": lambda: packed(FILES) + b"more",
    "a zip within the comment": lambda: with_comment(packed(FILES)),
    "encrypted members": lambda: encrypted(packed(FILES)),
    "another compression": lambda: with_method(zipfile.ZIP_BZIP2),
    "a bomb": bomb,
    "a header that says another name": described_twice,
    "a size that is not": smaller_than_it_is,
    "a member cut off": lambda: packed(FILES)[:-30],
    "nothing": lambda: b"",
    "an empty zip": lambda: packed({}),
}


def with_comment(content: bytes) -> bytes:
    made = io.BytesIO(content)
    with zipfile.ZipFile(made, "a") as archive:
        archive.comment = b"PK\x05\x06" + bytes(18)
    return made.getvalue()


@pytest.mark.parametrize("kind", ZIPS)
def test_a_zip_with_two_readings_is_refused(kind: str) -> None:
    with pytest.raises(NotProven):
        unpack(ZIPS[kind](), NAMES)


DOCUMENTS: dict[str, Callable[[bytes], bytes]] = {
    "a key twice": lambda it: it.replace(b'{\n "', b'{\n "state": "rejected",\n "', 1),
    "spaces": lambda it: it + b"\n",
    "a byte order mark": lambda it: b"\xef\xbb\xbf" + it,
    "keys in another order": lambda it: json.dumps(dict(reversed(json.loads(it).items())), indent=1).encode() + b"\n",
    "escapes for letters": lambda it: it.replace(b"votes", b"\\u0076otes"),
    "one line": lambda it: json.dumps(json.loads(it), sort_keys=True).encode(),
    "NaN": lambda _: b"NaN\n",
    "no text": lambda _: b"\xff\xfe",
    "two documents": lambda it: it + it,
    "too deep": lambda _: b"[" * 5000 + b"]" * 5000 + b"\n",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_with_two_readings_is_refused(kind: str) -> None:
    lie = DOCUMENTS[kind](FILES["votes.json"])
    assert lie != FILES["votes.json"]
    with pytest.raises(NotProven):
        read_strictly("votes.json", lie)
    assert not Bundle(listed(FILES | {"votes.json": lie}, KEY), KEY).check().holds


def test_a_certificate_that_the_log_speaks_of_is_shown() -> None:
    withheld = Bundle(listed(FILES | {"certificates.json": b"[]\n"}, KEY), KEY).check()
    assert [one.item for one in withheld.contradicted] == ["certificates"]


# --- one reading, and it lies --------------------------------------------------------------------------


def in_ledger(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda it: it | {"entries": [entry | {name: value} for entry in it["entries"]]}


def in_votes(**values: Any) -> Callable[[Any], Any]:
    return lambda it: it | {"votes": [vote | values for vote in it["votes"]]}


def in_first(**values: Any) -> Callable[[Any], Any]:
    return lambda it: [it[0] | values, *it[1:]]


def charge(epsilon: str) -> Callable[[Any], Any]:
    def lie(events: Any) -> Any:
        for event in events:
            if "moneyer_charge" in event["run"]["facets"]:
                event["run"]["facets"]["moneyer_charge"]["epsilon"] = epsilon
        return events

    return lie


def emptied(events: Any) -> Any:
    for event in events:
        event["run"]["facets"].pop("moneyer_plan", None)
    return events


def figure(it: Any) -> Any:
    it[0]["estimates"][0]["value"] = "0.000001"
    return it


def guarantee(it: Any) -> Any:
    it["offer"]["guarantee"]["statement"] = "(0.1, 0)-differential privacy"
    return it


LIES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a smaller charge": ("events.json", charge("0.000001")),
    "emptied events": ("events.json", lambda _: []),
    "an event taken out": ("events.json", lambda it: it[1:]),
    "an event twice": ("events.json", lambda it: [*it, it[-1]]),
    "events in another order": ("events.json", lambda it: it[::-1]),
    "an emptied facet": ("events.json", emptied),
    "a cheaper mechanism": ("ledger.json", in_ledger("releases", 7)),
    "smaller Rényi costs": ("ledger.json", in_ledger("renyi", [0] * 96)),
    "charges of another account": ("ledger.json", in_ledger("account", "01a2165f-c3bc-7ba6-8d24-95cc4bbaf4c4")),
    "no charges": ("ledger.json", lambda it: it | {"entries": [it["entries"][0]]}),
    "another voter": ("votes.json", in_votes(voter="somebody-else")),
    "another function": ("votes.json", in_votes(function="legal")),
    "no votes": ("votes.json", lambda it: it | {"votes": []}),
    "another reason": ("votes.json", in_votes(reason="I was told to")),
    "a smaller quorum": ("votes.json", lambda it: it | {"quorum": {}}),
    "another requester": ("request.json", lambda it: it | {"requester": "somebody-else"}),
    "a better guarantee": ("request.json", guarantee),
    "an assessment turned": ("assessments.json", in_first(acceptable=False)),
    "assessments taken out": ("assessments.json", lambda _: []),
    "a better figure": ("assays.json", figure),
    "assays taken out": ("assays.json", lambda _: []),
    "a criterion not met": ("release.json", lambda it: it | {"criteria": []}),
    "no release": ("release.json", lambda _: None),
    "a clause waived": ("decision.json", lambda it: it | {"waived": [{"code": "x"}]}),
    "another version": ("charter.json", lambda it: it | {"version": 7}),
    "in force since another day": ("charter.json", lambda it: it | {"in_force_at": "2020-01-01T00:00:00+00:00"}),
    "a review taken out": ("reviews.json", lambda _: []),
    "a certificate taken out": ("certificates.json", lambda it: it[:1]),
    "a salt of its own": ("salts.json", lambda it: dict.fromkeys(it, "00" * 16)),
}


@pytest.mark.parametrize("lie", LIES)
def test_whoever_holds_the_key_cannot_lie_about(lie: str) -> None:
    name, change = LIES[lie]
    files = forged(FILES, KEY, name, change)
    assert files[name] != FILES[name], "the lie says another thing"
    report = judged(files, KEY, HONEST)
    assert report.contradicted, f"{lie}: nothing contradicts it"


def test_without_salts_less_is_proven_and_nothing_is_claimed() -> None:
    report = judged(forged(FILES, KEY, "salts.json", lambda _: {}), KEY, HONEST)
    shown = judged(forged(FILES, KEY, "votes.json", in_votes(voter="x")) | {}, KEY, HONEST)
    assert report.holds
    assert any(place[:2] == ("votes.json", "votes") for place in report.unproven)
    assert shown.contradicted


def test_a_card_of_another_text_is_not_proven() -> None:
    report = judged(forged(FILES, KEY, "card.json", lambda it: it | {"title": "another"}), KEY, HONEST)
    assert not any(place[0] == "card.json" for place in report.proven)


def test_a_manifest_lists_what_is_there() -> None:
    """Every value says the same, but the file is not the one that was signed."""
    honest = listed(FILES, KEY)
    other = honest | {"checkpoint.txt": FILES["checkpoint.txt"] + "— stranger AAAAAAAA\n".encode()}
    assert any(one.item == "checkpoint.txt" for one in Bundle(other, KEY).check().contradicted)
    assert Bundle(listed(other, KEY), KEY).check().holds


def test_no_proofs_prove_nothing() -> None:
    assert not Bundle(listed(FILES | {"proofs.json": written([])}, KEY), KEY).check().holds


@pytest.mark.long
def test_every_value_of_every_document_is_compared_or_said_to_be_not_proven() -> None:
    assert len(list(every_value(FILES))) > 1_000
    assert swallowed(FILES, KEY) == []


# --- as it reaches a terminal ----------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def held(tmp_path: Path) -> Path:
    path = tmp_path / "log.key"
    path.write_text(KEY)
    return path


def test_verify_says_what_is_proven_and_what_is_not(tmp_path: Path, held: Path) -> None:
    path = tmp_path / "evidence.zip"
    path.write_bytes(packed(FILES))
    verified = run("verify", str(path), "--key", str(held))
    assert verified.exit_code == 0, verified.output
    assert "not proven" in verified.output
    assert "are proven," in verified.output
    strict = run("verify", str(path), "--key", str(held), "--strict")
    assert strict.exit_code == 1


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[2J\x1b[H", "\u202eevil", "a\nAll checks hold", "[red]x[/red]", "\x9b2J", "\u2028", "x" * 10_000, "\x00"],
)
def test_nothing_of_a_bundle_reaches_the_terminal_raw(tmp_path: Path, held: Path, hostile: str) -> None:
    path = tmp_path / "evidence.zip"
    path.write_bytes(packed(forged(FILES, KEY, "votes.json", lambda it: it | {hostile: hostile, "id": hostile})))
    verified = run("verify", str(path), "--key", str(held))
    assert verified.exit_code == 1
    assert verified.exception is None or isinstance(verified.exception, SystemExit)
    assert not any(letter in verified.output for letter in "\x1b\x9b\u202e\u2028\x00")
    assert not any(line.startswith("All checks hold") for line in verified.output.splitlines())
    assert all(len(line) < 1_500 for line in verified.output.splitlines())
    assert "[red]" not in hostile or "[red]" in verified.output, "markup is shown as the text it is"


@pytest.mark.parametrize("kind", ZIPS)
def test_a_bad_zip_ends_in_a_sentence(tmp_path: Path, held: Path, kind: str) -> None:
    path = tmp_path / "evidence.zip"
    path.write_bytes(ZIPS[kind]())
    verified = run("verify", str(path), "--key", str(held))
    assert verified.exit_code == 1
    assert "NOT proven" in verified.output
    assert "\x1b" not in verified.output
