"""The root command: knows the commands by name and imports only the one that is called."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click
import typer
from typer.core import TyperGroup

from cloudk8s.cli import output
from cloudk8s.errors import CloudK8sError, StatusError, UserError

COMMANDS: Final = {
    "up": ("up", "Start a cluster on this host."),
    "down": ("down", "Stop a cluster."),
    "status": ("status", "Show how a cluster is."),
    "list": ("list_clusters", "List the clusters of this host."),
    "kubeconfig": ("kubeconfig", "Print or merge a cluster's kubeconfig."),
    "apiserver": ("apiserver", "Run the API server alone."),
    "version": ("version", "Print versions."),
}
"""Name: module below `cloudk8s.cli`, help line. Each module has an `app`."""


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are needed; its help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, summary = COMMANDS[cmd_name]
        app: typer.Typer = import_module(f"cloudk8s.cli.{module}").app
        command = typer.main.get_command(app)
        command.name = cmd_name
        command.short_help = summary
        return command


app = typer.Typer(
    cls=LazyGroup, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    help="A Kubernetes control plane with the cloud built in.",
)  # fmt: skip


@app.callback()
def root(
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log what happens inside."),
) -> None:
    """A Kubernetes control plane with the cloud built in.

    Example: cloudk8s up && kubectl get nodes
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command: 0 done, 1 failed, 2 the user's mistake; never a traceback for either."""
    command: Any = typer.main.get_command(app)
    try:
        result = command.main(args=list(arguments), prog_name="cloudk8s", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except UserError as error:
        output.error(str(error))
        return 2
    except (CloudK8sError, StatusError, OSError) as error:
        output.error(str(error))
        return 1
    return result if isinstance(result, int) else 0
