"""Write the reference pages from the code: commands, hooks, settings. `make reference` runs it.

A test compares the pages with what this module would write, so that they cannot fall behind.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel

from cloudk8s.cli.app import build
from cloudk8s.plugin import Plugins, hookspecs
from cloudk8s.plugin.description import describe_settings

PAGES = Path(__file__).parent / "reference"

Command = Any
"""A click command; typer carries a click of its own, which has no public name."""
Parameter = Any

SETTINGS = (
    "cloudk8s.settings:ClusterSettings",
    "cloudk8s.controllers.settings:ControllerSettings",
    "cloudk8s.cloud.settings:CloudControllerSettings",
    "cloudk8s.node.settings:NodeSettings",
    "cloudk8s.controlplane.diagnostics.settings:ServingSettings",
)
"""Settings of the components; those of providers are found by their hook."""


def main() -> int:
    PAGES.mkdir(exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text)
    return 0


def pages() -> dict[str, str]:
    """The text of every page by its file name."""
    return {"commands.md": commands_page(), "hooks.md": hooks_page(), "settings.md": settings_page()}


def commands_page() -> str:
    parts = ["# Commands", "Written by `make reference`; `cloudk8s COMMAND --help` says the same."]
    for path, command in commands():
        parts.append(f"## cloudk8s {path}")
        summary, example = described(command)
        parts.append(summary)
        if example:
            parts.append(f"```console\n$ {example}\n```")
        if rows := [row for parameter in command.params if (row := option_row(parameter))]:
            parts.append("\n".join(["| option | default | |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[tuple[str, Command]]:
    """Every command that does something, with its words."""
    root = typer.main.get_command(build([]))
    return _below("", root)


def _below(path: str, command: Command) -> Iterator[tuple[str, Command]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        if not child.hidden:
            yield from _below(f"{path} {name}".strip(), child)


def described(command: Command) -> tuple[str, str]:
    """The sentence of a command, and its example."""
    summary, _, example = inspect.cleandoc(command.help or "").partition("Example:")
    return " ".join(summary.split()), " ".join(example.split())


def option_row(parameter: Parameter) -> str:
    if "--help" in parameter.opts or getattr(parameter, "hidden", False):
        return ""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if not any(name.startswith("-") for name in parameter.opts):
        names = f"`{(parameter.name or '').upper()}`"
    default = parameter.default
    is_silent = default is None or default is False or default == "" or callable(default)
    shown = "" if is_silent else f"`{getattr(default, 'value', default)}`"
    return f"| {names} | {shown} | {cell(getattr(parameter, 'help', None) or '')} |"


def hooks_page() -> str:
    parts = [
        "# Hooks",
        "Written by `make reference` from `cloudk8s/plugin/hookspecs.py`. How to write a provider is in "
        "[providers.md](../providers.md), any other plugin in [plugins.md](../plugins.md).",
    ]
    for name, hook in vars(hookspecs).items():
        if hasattr(hook, "cloudk8s_spec"):
            text, _, example = (inspect.getdoc(hook) or "").partition("Example::")
            first, _, rest = text.partition("\n")
            signature = str(inspect.signature(hook)).replace("'", "")
            parts += [f"## {name}", f"`{name}{signature}`", first, listed(rest)]
            parts.append(f"```python\n{inspect.cleandoc(example)}\n```")
    return "\n\n".join(parts) + "\n"


def listed(text: str) -> str:
    """The template's parts as a list."""
    lines: list[str] = []
    for line in text.split("\n"):
        word = line.partition(":")[0]
        if word in ("When", "Do", "Parameters", "Result", "Since"):
            lines.append(f"- **{word}**:{line.removeprefix(word + ':')}")
        elif line.strip():
            lines.append(f"  {line.strip()}")
    return "\n".join(lines)


def settings_page() -> str:
    parts = ["# Settings", "Written by `make reference`."]
    for model in (*component_settings(), *provider_settings()):
        parts.append(f"## {model.__name__}")
        parts.append(" ".join((inspect.getdoc(model) or "").split("\n\n")[0].split()))
        rows = [
            f"| `{row['name']}` | {'required' if row['default'] == '(required)' else default(row['default'])} "
            f"| {cell(row['description'])} |"
            for row in describe_settings(model)
        ]
        parts.append("\n".join(["| setting | default | |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def component_settings() -> Iterator[type[BaseModel]]:
    for target in SETTINGS:
        module, _, name = target.partition(":")
        yield getattr(import_module(module), name)


def provider_settings() -> Iterator[type[BaseModel]]:
    plugins = Plugins.load()
    for name in plugins.providers:
        yield plugins.settings_model(name)


def default(value: object) -> str:
    return "" if value in (None, "", [], {}, ()) else f"`{value}`"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
