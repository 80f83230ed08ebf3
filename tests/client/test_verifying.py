"""Checkpoints, proofs and kept hashes at their edges: verified, or not proven at a step that is named; no traceback."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from moneyer.audit import Kept, NotProven, read_entries, size_of, verify_checkpoint, verify_proof, verify_proofs
from moneyer.cli.audit import app
from moneyer.cli.console import harmless
from moneyer_lineage.log.rules.notes import CheckpointSigner
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import NotSpeakable, Word, is_of_ids

SIGNER = CheckpointSigner(KEY, "log.example")
STRANGER = CheckpointSigner(base64.b64encode(b"s" * 32).decode(), "stranger.example")
HELD = SIGNER.verifier_key
NOTE = SIGNER.sign(3, b"r" * 32)
BODY, LINE = NOTE.split("\n\n")
FOREIGN = STRANGER.sign(3, b"r" * 32).split("\n\n")[1]
SEALED = base64.b64decode(LINE.strip().rsplit(" ", 1)[1])
FALSE = f"— log.example {base64.b64encode(SEALED[:-1] + bytes([SEALED[-1] ^ 1])).decode()}\n"

VERIFIED = {
    "as it is": NOTE,
    "without its last newline": NOTE.removesuffix("\n"),
    "a foreign line first": f"{BODY}\n\n{FOREIGN}{LINE}",
    "a foreign line last": f"{BODY}\n\n{LINE}{FOREIGN}",
}
REFUSED = {
    "CRLF": NOTE.replace("\n", "\r\n"),
    "broken base64": NOTE.replace(LINE[-8:], "!!!!!!!\n"),
    "broken base64 in a foreign line": f"{BODY}\n\n— stranger.example A\n{LINE}",
    "a false line after the good one": NOTE + FALSE,
    "a false line before the good one": f"{BODY}\n\n{FALSE}{LINE}",
    "a line that is none": f"{BODY}\n\nhello\n{LINE}",
    "no signature": BODY + "\n",
    "an empty one": "",
    "only the stranger's": f"{BODY}\n\n{FOREIGN}",
    "another size": NOTE.replace("\n3\n", "\n4\n"),
    "a lone surrogate": NOTE.replace("log", "lo\ud800"),
    "no text at all": None,
    "a blank line more": NOTE.replace("\n\n", "\n\n\n"),
}
KEYS = {
    "without its last part": HELD.rsplit("+", 1)[0].rsplit("+", 1)[0],
    "its name alone": "log.example",
    "nothing": "",
    "broken base64": HELD[:-3] + "!!!",
    "a key of another kind": HELD.replace("+AQ", "+BA"),
    "cut off": HELD[:-8],
    "another id": HELD.replace(HELD.split("+")[1], "00000000"),
}


@pytest.mark.parametrize("kind", VERIFIED)
def test_these_notes_are_verified(kind: str) -> None:
    assert verify_checkpoint(VERIFIED[kind], HELD).size == 3


@pytest.mark.parametrize("kind", REFUSED)
def test_these_notes_are_not_proven(kind: str) -> None:
    with pytest.raises(NotProven, match=r"\w"):
        verify_checkpoint(REFUSED[kind], HELD)  # type: ignore[arg-type]  # as JSON may give it


@pytest.mark.parametrize("kind", KEYS)
def test_these_keys_verify_nothing(kind: str) -> None:
    with pytest.raises(NotProven, match="verifier key is damaged"):
        verify_checkpoint(NOTE, KEYS[kind])


BODIES = {
    "no size": "log.example\n",
    "a size that is none": "log.example\n٣\ncm9vdA==\n",
    "a short root": "log.example\n3\ncm9vdA==\n",
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_signed_note_that_is_no_checkpoint(kind: str) -> None:
    body = BODIES[kind]
    sealed = base64.b64encode(bytes.fromhex(SIGNER.key_id) + SIGNER.sign_bytes(body.encode())).decode()
    with pytest.raises(NotProven, match="checkpoint"):
        verify_checkpoint(f"{body}\n— log.example {sealed}\n", HELD)


@given(st.text())
def test_no_text_ends_in_anything_but_not_proven(text: str) -> None:
    for call in (lambda: verify_checkpoint(text, HELD), lambda: verify_checkpoint(NOTE, text), lambda: size_of(text)):
        with pytest.raises(NotProven):
            call()


ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(NOTE),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["leaf", "index", "proof", "checkpoint"]), inner),
    max_leaves=12,
)


@given(ANY_JSON)
def test_no_json_ends_in_anything_but_not_proven(document: Any) -> None:
    for call in (verify_proof, verify_proofs):
        with pytest.raises(NotProven):
            call(document, HELD)
    with pytest.raises(NotProven):
        Kept.load(document)


@given(st.binary(max_size=40))
def test_tiles_of_entries_are_read_whole_or_not_at_all(content: bytes) -> None:
    try:
        entries = read_entries([content])
    except NotProven:
        return
    assert b"".join(len(one).to_bytes(2) + one for one in entries) == content


# --- on the command line ------------------------------------------------------------------------


PROOFS: dict[str, str] = {
    "a proof not in a list": json.dumps({"leaf": "{}", "index": 0, "proof": [], "checkpoint": NOTE}),
    "an empty list": "[]",
    "null members": "[null]",
    "null": "null",
    "no JSON": "nothing",
    "null parts": '[{"leaf": null, "index": null, "proof": null, "checkpoint": null}]',
    "a key twice": '[{"leaf": "a", "leaf": "b"}]',
    "a deep one": "[" * 100_000,
}


@pytest.mark.parametrize("kind", PROOFS)
def test_verify_says_why_nothing_is_proven(kind: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(HELD)
    for name in ("proofs", "proofs.json"):
        (tmp_path / name).write_text(PROOFS[kind])
        told = CliRunner().invoke(app, ["verify", str(tmp_path / name), "--key", str(tmp_path / "key")])
        assert told.exit_code == 1, told.output
        assert isinstance(told.exception, SystemExit), "no traceback"
        assert "NOT proven" in told.output


KEPT: dict[str, object] = {
    "hashes that are none": {"checkpoint": NOTE, "hashes": "!!"},
    "hashes cut off": {"checkpoint": NOTE, "hashes": "AAAA"},
    "null hashes": {"checkpoint": NOTE, "hashes": None},
    "no checkpoint": {"hashes": ""},
    "a list": [],
}


@pytest.mark.parametrize("kind", KEPT)
def test_check_says_what_of_the_kept_is_damaged(kind: str, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(json.dumps(KEPT[kind]))
    (tmp_path / "key").write_text(HELD)
    asked = ["check", "--key", str(tmp_path / "key"), "--kept", str(tmp_path / "kept"), "--data", str(tmp_path)]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 1
    assert isinstance(told.exception, SystemExit), "no traceback"
    assert "what was kept is damaged" in told.output


@given(st.text(max_size=700))
def test_what_is_shown_obeys_no_terminal(text: str) -> None:
    shown = harmless(text)
    assert shown.isprintable()
    assert "\n" not in shown


# --- what may stand in a leaf ----------------------------------------------------------------------


def event(**changes: Any) -> Callable[[], AuditEvent]:
    made: dict[str, Any] = {
        "actor": "ada",
        "action": "thing.do",
        "subject": f"thing:{'0' * 8}-0000-0000-0000-{'0' * 12}",
    }
    return lambda: AuditEvent(**(made | changes))


LEAKS: dict[str, dict[str, Any]] = {
    "a subject that names somebody": {"subject": "exception:00000000-0000-0000-0000-000000000000:ada"},
    "a subject that is somebody": {"subject": "ada"},
    "a name in the details": {"details": {"by": "ada"}},
    "a name in a list": {"details": {"by": ["ada"]}},
    "a name under a name": {"details": {"by": {"ada": 1, "who": "ada"}}},
    "an address": {"details": {"by": "ada@example.org"}},
    "free text": {"details": {"because": "she said so"}},
    "an outcome that is a sentence": {"outcome": "refused by Ada"},
    "an action that is a sentence": {"action": "thing was done"},
    "a digest of its own making": {"details": {"people": {"by": "0" * 64}}},
    "an object": {"details": {"by": object()}},
    "no number": {"details": {"bound": float("nan")}},
}


@pytest.mark.parametrize("kind", LEAKS)
def test_an_event_that_could_name_somebody_is_never_made(kind: str) -> None:
    with pytest.raises(NotSpeakable):
        event(**LEAKS[kind])()


def test_an_event_speaks_of_ids_digests_numbers_times_and_words() -> None:
    details = {
        "id": "01a2165f-c4ba-77e9-90c9-448b70ca0591", "digest": "sha256:" + "0" * 64, "epsilon": "0.25", "n": 3,
        "at": "2026-11-26T05:41:44.775056+00:00", "about": "charter:01a2165f-c4ba-77e9-90c9-448b70ca0591:2",
        "rule": Word("budget.epsilon"), "none": None, "bound": 0.5, "all": [Word("x"), "1e-6"],
    }  # fmt: skip
    assert event(details=details, people={"voter": "ada"}, shown={"vote": {"voter": "ada"}})()
    assert is_of_ids("charter:01a2165f-c4ba-77e9-90c9-448b70ca0591:2")
    assert event(subject=Word("committee"))()
