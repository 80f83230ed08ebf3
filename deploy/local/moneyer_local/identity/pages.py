"""The pages that a browser is shown: no scripts, everything from outside escaped, nothing else let in by policy."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse

from moneyer_local.identity.people import CAST

STYLE = """
:root { color-scheme: light dark; --line: #8886; --accent: #2b5fd9; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }
.note { border: 1px solid var(--line); border-left: 4px solid #c77700; border-radius: 4px; padding: .6rem .9rem; }
ul { list-style: none; padding: 0; }
button { font: inherit; text-align: left; width: 100%; margin: .2rem 0; padding: .6rem .9rem;
  border: 1px solid var(--line); border-radius: 6px; background: transparent; color: inherit; cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--accent); outline: 2px solid var(--accent); }
button span { display: block; font-size: .85em; }
input { font: inherit; letter-spacing: .1em; padding: .5rem; border: 1px solid var(--line); border-radius: 6px; }
"""
_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
NOTE = (
    '<p class="note" role="note"><strong>For development.</strong> Whoever opens this page can sign in as anybody. '
    "A deployment has an identity provider of its own here.</p>"
)


def choose_person(page: str, client_name: str, redirect_uri: str) -> HTMLResponse:
    """Who signs in to an application."""
    body = f"""<h1>Sign in to {escape(client_name)}</h1>{NOTE}
<form method="post" action="/sign-in">{_hidden(page)}{_people()}{_no("Do not sign in")}</form>"""
    return _page("Sign in", body, goes_to=redirect_uri)


def choose_for_device(page: str, user_code: str, said: str = "") -> HTMLResponse:
    """Who a device speaks for."""
    body = f"""<h1>Sign in on a device</h1>{NOTE}{f'<p role="alert">{escape(said)}</p>' if said else ""}
<p>Go on only if you see this code on a device of your own, where you began to sign in.</p>
<form method="post" action="/device">{_hidden(page)}
<p><label>Code <input name="user_code" value="{escape(user_code[:20])}" maxlength="20" required autocomplete="off">
</label></p>
{_people()}{_no("This was not me")}</form>"""
    return _page("Sign in on a device", body, status=400 if said else 200)


def ask_to_sign_out(page: str, redirect_uri: str | None) -> HTMLResponse:
    """Whether to sign out, where it is not plain who asks."""
    body = f"""<h1>Sign out?</h1>
<form method="post" action="/sign-out">{_hidden(page)}<button>Sign out</button></form>"""
    return _page("Sign out", body, goes_to=redirect_uri)


def say(title: str, text: str, *, status: int = 200) -> HTMLResponse:
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>", status=status)


def _hidden(page: str) -> str:
    return f'<input type="hidden" name="page" value="{escape(page)}">'


def _people() -> str:
    entries = (
        f'<li><button name="person" value="{escape(name)}">{escape(person.name)}'
        f"<span>{escape(name)}: {escape(person.about)}</span></button></li>"
        for name, person in CAST.items()
    )
    return f"<ul>{''.join(entries)}</ul>"


def _no(words: str) -> str:
    return f'<button name="refuse" value="yes" formnovalidate>{escape(words)}</button>'


def _page(title: str, body: str, *, status: int = 200, goes_to: str | None = None) -> HTMLResponse:
    document = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main>{body}</main></body></html>"""
    # Browsers hold the address that a form's answer redirects to against form-action as well.
    forms = f"'self' {_origin(goes_to)}" if goes_to else "'self'"
    own = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'"
    headers = {
        "Content-Security-Policy": f"{own}; form-action {forms}",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(document, status, headers)


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
