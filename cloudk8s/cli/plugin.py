"""`cloudk8s plugin`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format

plugin = typer.Typer(no_args_is_help=True, help="What is installed beside the core.", rich_markup_mode=None)
COLUMNS = {"NAME": "name", "STATUS": "status", "DISTRIBUTION": "distribution", "VERSION": "version", "HOOKS": "hooks"}


@plugin.callback()
def _group() -> None:
    """Plugins: providers, stores, runtimes, controllers and whatever else the hooks allow."""


@plugin.command("list")
def list_plugins(format: Output = Format.TABLE, disable_plugin: DisabledPlugins = None) -> None:
    """List every plugin that was found: its version, the hooks that it implements, and why it failed if it did.

    Example: cloudk8s plugin list --output json
    """
    from cloudk8s.plugin.manager import REGISTER_HOOKS, Plugins

    plugins = Plugins.load(disabled=disable_plugin or ())
    for registry in REGISTER_HOOKS:
        plugins.registry(registry)  # a plugin may fail only when it registers
    rows = []
    for info in plugins.describe():
        row = asdict(info)
        if format is Format.TABLE:
            row["hooks"] = info.error or ", ".join(name.removeprefix("cloudk8s_") for name in info.hooks)
        rows.append(row)
    output.show(rows, format, COLUMNS)
