"""The root command: knows the commands by name and imports only the one that is called."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from cloudk8s.cli import output
from cloudk8s.cli.boolean_flags import Command
from cloudk8s.cli.exit_codes import code_of
from cloudk8s.cli.programs.process import LOG_FORMAT, Serve

COMMANDS: Final = {
    "up": "up:up",
    "down": "down:down",
    "status": "status:status",
    "shell": "shell:shell",
    "list": "list_clusters:list_clusters",
    "kubeconfig": "kubeconfig:kubeconfig",
    "apiserver": "apiserver:apiserver",
    "kubelet": "kubelet:kubelet",
    "controller-manager": "controller_manager:controller_manager",
    "scheduler": "scheduler:scheduler",
    "simulated-nodes": "simulated_nodes:simulated_nodes",
    "proxy": "proxy:proxy",
    "dns": "dns:dns",
    "cloud-controller-manager": "cloud_controller_manager:cloud_controller_manager",
    "provider": "provider:provider",
    "plugin": "plugin:plugin",
    "lb": "lb:lb",
    "offline": "offline:offline",
    "machine": "machine:machine",
    "image": "image:image",
    "cluster": "cluster.commands:cluster",
    "backup": "backup:backup",
    "restore": "restore:restore",
    "version": "version:version",
}
"""Name: module and function below `cloudk8s.cli`; a `typer.Typer` there is a group of commands."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that is called, or with all of them for help."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback()(root)
    called = next((word for word in arguments if not word.startswith("-")), "")
    for name in [called] if called in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        _add(app, name, getattr(import_module(f"cloudk8s.cli.{module}"), attribute), "")
    if called not in COMMANDS:
        _add_commands_of_plugins(app)
    return app


def _add(app: typer.Typer, name: str, found: Any, description: str) -> None:
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name, help=description or None)
    else:
        app.command(name, help=description or None, cls=Command)(found)


def _add_commands_of_plugins(app: typer.Typer) -> None:
    """They come after ours, and cannot take the name of one of ours."""
    from cloudk8s.plugin import Commands, Plugins

    for entry in Plugins.load().registry(Commands):
        if entry.name in COMMANDS:
            output.note(f"command {entry.name!r} of plugin {entry.plugin!r} is left out: the name is taken")
        else:
            _add(app, entry.name, entry.factory, entry.description)


def root(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside.")] = False,
) -> None:
    """A Kubernetes control plane with the cloud built in.

    Example: cloudk8s up && kubectl get nodes
    """
    level = logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(level=level, format=LOG_FORMAT)


def run(arguments: Sequence[str], *, owns_process: bool = False) -> int:
    """Run one command; returns its exit code.

    A server takes the place of the process where that is all that the process is for; it does not return then.
    """
    try:
        return code_of(lambda: build(arguments)(list(arguments), prog_name="cloudk8s"))
    except Serve as server:
        return code_of(server.anew if owns_process and sys.executable else server.here)
