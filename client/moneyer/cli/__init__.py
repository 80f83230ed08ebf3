"""``moneyer``: the command line."""

import sys

import httpx
import typer
from rich.markup import escape

from moneyer.cli import assets, audit, budgets, charters, connections, drafts, generate, machine, signing_in, sources
from moneyer.cli.console import error_console, harmless, show_refusal
from moneyer.client import Refused
from moneyer.signing_in import NotSignedIn
from moneyer_shared.errors import Invalid, TooLarge

app = typer.Typer(
    help="Govern synthetic data: charters, budgets, tables, assays, records.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
machine.add_to(app)
signing_in.add_to(app)
generate.add_to(app)
drafts.add_to(sources.app)
app.add_typer(sources.app, name="source")
app.add_typer(connections.app, name="connection")
app.add_typer(charters.app, name="charter")
app.add_typer(assets.app, name="asset")
app.add_typer(budgets.app, name="budget")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run the command; refusals and outages are told in words, with exit status 1."""
    try:
        app()
    except Refused as refusal:
        show_refusal(refusal)
        sys.exit(1)
    except NotSignedIn as error:
        error_console.print(f"[red]Not signed in:[/] {escape(harmless(str(error)))}")
        sys.exit(1)
    except httpx.TransportError as error:
        error_console.print(f"[red]No answer[/] from {error.request.url}; is moneyer up? (moneyer up)")
        sys.exit(1)
    except (Invalid, TooLarge) as refusal:
        error_console.print(f"[red]Not readable:[/] {escape(str(refusal))}")
        for reason in refusal.reasons:
            error_console.print(escape("  " + " ".join(map(str, reason.values()))))
        sys.exit(1)
    except (FileNotFoundError, KeyError) as error:
        error_console.print(f"[red]Not found:[/] {escape(str(error))}")
        sys.exit(1)
