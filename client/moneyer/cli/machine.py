"""``up`` and ``demo``: the one-machine stack."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from moneyer.cli.console import error_console, say
from moneyer.cli.session import DEFAULT_DATA, Data
from moneyer_local.errors import CannotStart
from moneyer_local.identity import PEOPLE
from moneyer_local.ports import Ports
from moneyer_local.stack import Stack

PortBase = Annotated[int, typer.Option("--port-base", help="The first of the ports that are used.")]
LogLevel = Annotated[str, typer.Option("--log-level")]


def add_to(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(demo)


def up(data: Data = DEFAULT_DATA, port_base: PortBase = 8400, log_level: LogLevel = "INFO") -> None:
    """Start everything on this machine; Ctrl-C stops it. A second start finds yesterday's state."""
    _run(_stay_up(data, Ports(port_base), log_level))


def demo(
    data: Data = Path(".moneyer/demo"),
    port_base: PortBase = 8500,
    log_level: LogLevel = "INFO",
    output: Annotated[Path | None, typer.Option(help="Where the released table is written.")] = None,
) -> None:
    """Carry one real run through everything: the RAND Health Insurance Experiment, end to end."""
    from moneyer.cli.story import tell

    async def with_stack() -> None:
        async with Stack(data, ports=Ports(port_base), say=_say, log_level=log_level) as stack:
            root = stack.directory.root
            await asyncio.to_thread(tell, root, output or root / "released.csv")

    _run(with_stack())


def _say(text: str) -> None:
    say(f"[dim]· {escape(text)}[/]")


async def _stay_up(data: Path, ports: Ports, log_level: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Stack(data, ports=ports, say=_say, log_level=log_level) as stack:
        say("[green bold]moneyer is up.[/] Ctrl-C stops it.")
        for name in ("policy", "generation", "evaluation", "lineage"):
            say(f"  {name:<11} {ports.url(name)}/openapi.json")
        say(f"  [bold]console     {ports.url('console')}/[/]  where people decide, ask and see")
        say(f"  people      {', '.join(sorted(PEOPLE))}")
        say(f"  speak with  moneyer --help, e.g. moneyer budget show --data {data} --as steward")
        await stop.wait()
        say("stopping")
    say("stopped; everything is kept in " + str(stack.directory.root))


def _run(job: object) -> None:
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(job)  # type: ignore[arg-type]
    except CannotStart as reason:
        error_console.print(f"[red bold]Cannot start:[/] {escape(str(reason))}")
        sys.exit(1)
