"""`cloudk8s offline`: the emulated account behind `--offline`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format

offline = typer.Typer(
    no_args_is_help=True, help="The emulated AWS account that `--offline` uses.", rich_markup_mode=None
)
COLUMNS = {"STATUS": "status", "URL": "url", "PID": "pid", "STARTED": "started"}


@offline.command()
def start(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 0,
    format: Output = Format.TABLE,
) -> None:
    """Start the emulator unless it runs; commands with --offline do this by themselves.

    Example: cloudk8s offline start --port 5000 && aws --endpoint-url http://127.0.0.1:5000 ec2 describe-vpcs
    """
    from cloudk8s.provisioning.offline import process

    state = process.start(port=port)
    output.show({"status": "Running", **asdict(state)}, format, COLUMNS)


@offline.command()
def status(format: Output = Format.TABLE) -> None:
    """Show whether the emulator runs, and where. Exit code 1 if it does not.

    Example: cloudk8s offline status
    """
    from cloudk8s.provisioning.offline import process

    state = process.running()
    row = (
        {"status": "Running", **asdict(state)}
        if state
        else {"status": "Stopped", "url": "", "pid": None, "started": ""}
    )
    output.show(row, format, COLUMNS)
    if state is None:
        raise typer.Exit(1)


@offline.command()
def stop() -> None:
    """Stop the emulator; the emulated account and everything in it is lost.

    Example: cloudk8s offline stop
    """
    from cloudk8s.provisioning.offline import process

    output.step("the emulator is stopped" if process.stop() else "the emulator was not running")


@offline.command(hidden=True)
def serve(
    state_file: Annotated[Path, typer.Option(help="Where to say that it runs.")],
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 0,
) -> None:
    """Be the emulator: what `start` runs in the background."""
    from cloudk8s.provisioning.offline.server import serve as run

    run(state_file, port=port)
