"""How a view becomes a page: one environment of templates, and the headers that every page goes out with."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from moneyer_console.views import words

STATIC_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Page:
    """What a route answers with: a view, and the template that shows it."""

    template: str
    view: object = None
    status: int = 200


@dataclass(frozen=True)
class Redirect:
    """Where a browser goes next (303), or what it is shown where it was."""

    to: str


@dataclass(frozen=True)
class StaticFile:
    """A file that is the same for everybody, under an address that changes with it."""

    content: bytes
    media_type: str
    version: str


def _read_static() -> dict[str, StaticFile]:
    folder = files("moneyer_console") / "static"
    found: dict[str, StaticFile] = {}
    for name, media_type in STATIC_TYPES.items():
        content = (folder / name).read_bytes()
        found[name] = StaticFile(content, media_type, hashlib.sha256(content).hexdigest()[:16])
    return found


STATIC = _read_static()


def _address_of(name: str) -> str:
    return f"/static/{STATIC[name].version}/{name}"


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("moneyer_console", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown: dict[str, Any] = {
        "short_id": words.short_id,
        "moment": words.moment,
        "iso": words.iso,
        "figure": words.figure,
        "plainly": words.plainly,
        "as_state": words.state_of,
        "with_query": words.with_query,
    }
    made.filters.update(shown)
    addresses: dict[str, Any] = {"static": _address_of}
    made.globals.update(addresses)
    return made


_pages = _environment()


def policy_of(forms_lead_to: Iterable[str]) -> str:
    """The Content-Security-Policy of every page: nothing from elsewhere, nothing inline, no frame around it.

    A form that signs somebody out is led on to the issuer, which browsers hold against ``form-action`` too.
    """
    return "; ".join((
        "default-src 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        " ".join(("form-action 'self'", *forms_lead_to)),
    ))  # fmt: skip


def headers_of(forms_lead_to: Iterable[str]) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy_of(forms_lead_to),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        # Not no-referrer: browsers then send forms with the Origin null, which says nothing.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def rendered(page: Page, frame: Mapping[str, Any], forms_lead_to: Iterable[str]) -> Response:
    """A page as it is answered; ``frame`` is what stands around every view."""
    text = _pages.get_template(page.template).render(view=page.view, **frame)
    return HTMLResponse(text, status_code=page.status, headers=headers_of(forms_lead_to))
