"""Options that the `cluster` commands share, and what they lead to: a declaration and a site."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudk8s.cli.cluster.progress import Teller
from cloudk8s.cli.output import Format
from cloudk8s.errors import SettingsError, UserError

if TYPE_CHECKING:
    from cloudk8s.cloud.stack.journal import Journal
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
    from cloudk8s.provisioning.progress import Report
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State

JOURNAL_SECONDS = 3600.0
"""Older entries of a journal tell nothing that the account does not."""

Name = Annotated[str, typer.Argument(help="The cluster's name.")]
OptionalName = Annotated[str, typer.Argument(help="The cluster's name; not needed with --file.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="The cluster file.")]
Provider = Annotated[str, typer.Option("--provider", help="Cloud provider; known already for clusters made from here.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use an emulated account, started when it is needed.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="A setting of the provider, like region=eu-central-1.")]
Timeout = Annotated[str, typer.Option("--timeout", help="When to give up: 90s, 25m, 1h.")]
ControlPlanes = Annotated[
    int | None,
    typer.Option("--control-plane", "--control-planes", help="Machines of the control plane: 1, 3 or 5.", min=1),
]
Workers = Annotated[int | None, typer.Option("--workers", help="Machines of the first pool.", min=0)]


@dataclass(frozen=True, slots=True)
class Where:
    """Which account a command works in, and with which plugins, as far as its options say."""

    provider: str = ""
    offline: bool = False
    settings: tuple[str, ...] = ()
    disabled_plugins: tuple[str, ...] = ()

    @staticmethod
    def of(
        provider: str, offline: bool, settings: Sequence[str] | None, disabled_plugins: Sequence[str] | None
    ) -> Where:
        return Where(provider, offline, tuple(settings or ()), tuple(disabled_plugins or ()))


@contextmanager
def working(
    name: str, where: Where, *, declared: ClusterDeclaration | None = None, remembers: bool = False,
    quiet: bool = False, format: Format = Format.TABLE,
) -> Iterator[Site]:  # fmt: skip
    """The site of a cluster to change: no other process here does, intents are written down, the account rests."""
    from cloudk8s.cloud.stack.journal import FileJournal, last_entry
    from cloudk8s.provisioning.bookmarks import directory
    from cloudk8s.provisioning.settling import alone, settle

    path, teller = directory() / f"{name}.journal", Teller(quiet=quiet, format=format)
    last = last_entry(path)
    with teller.ending(name), alone(path.with_suffix(".lock"), name, report=teller):
        journal = FileJournal(path, keep=last is not None and time.time() - last < JOURNAL_SECONDS)
        try:
            site = open_named(name, where, declared=declared, remembers=remembers, journal=journal, report=teller)
            settle(site, last, time.time())
            yield site
        finally:
            journal.close()


def open_named(
    name: str, where: Where, *, declared: ClusterDeclaration | None = None, remembers: bool = False,
    journal: Journal | None = None, report: Report | None = None,
) -> Site:  # fmt: skip
    """The site of a cluster: by options, else by its file, else by its bookmark."""
    from cloudk8s.cloud.stack.journal import MemoryJournal
    from cloudk8s.plugin.manager import Plugins
    from cloudk8s.provisioning.bookmarks import Bookmark, recall, remember
    from cloudk8s.provisioning.offline.accounts import account_settings
    from cloudk8s.provisioning.site import SiteOptions, open_site

    known = recall(name)
    provider = where.provider or (declared.provider if declared else "") or (known.provider if known else "")
    if not provider:
        raise SettingsError(f'where is cluster "{name}"? Say --provider, or give its file with -f')
    is_known = known is not None and known.provider == provider
    settings: dict[str, Any] = dict(known.settings) if known is not None and is_known else {}
    settings |= dict(declared.settings) if declared else {}
    settings |= parse_settings(where.settings)
    offline = where.offline or (known is not None and is_known and known.offline)
    plugins = Plugins.load(disabled=where.disabled_plugins)
    completed = account_settings(provider, plugins.settings_model(provider), settings, offline=offline)
    options = SiteOptions(report=report or Teller(), journal=journal or MemoryJournal())
    site = open_site(plugins, provider, completed, name, options)
    if remembers:
        remember(Bookmark(name, provider, settings, offline))
    return site


def look_at(site: Site) -> tuple[State, ClusterDeclaration]:
    """A cluster as it is, and as it was declared last. Raises UserError where there is none."""
    from cloudk8s.provisioning.state import look

    state = look(site)
    if state.recorded is None:
        raise UserError(f'there is no cluster "{site.cluster}" on {site.provider}')
    return state, state.recorded


def parse_settings(words: Sequence[str]) -> dict[str, Any]:
    """`region=x`, `zones=[a, b]`, `limits.instance=3` as settings; values are YAML."""
    from cloudk8s.machinery import yaml_codec

    found: dict[str, Any] = {}
    for word in words:
        key, separator, text = word.partition("=")
        if not separator or not key:
            raise SettingsError(f"--set {word!r} is not of the form key=value")
        *parents, last = key.split(".")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = yaml_codec.decode(text) if text else ""
    return found


def seconds(text: str, option: str = "--timeout") -> float:
    """`25m` in seconds."""
    if not (match := re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", text)):
        raise SettingsError(f"{option} {text!r} is no time; write 90s, 25m or 1h")
    return float(match[1]) * {"s": 1, "": 1, "m": 60, "h": 3600}[match[2]]


def named(name: str, file: Path | None) -> tuple[str, ClusterDeclaration | None]:
    """The cluster's name and the declaration in its file, where there is one."""
    from cloudk8s.provisioning.declaration.reading import read_file

    declared = read_file(file) if file is not None else None
    if declared is not None and name and declared.name != name:
        raise SettingsError(f'{file} declares cluster "{declared.name}", not "{name}"')
    if declared is None and not name:
        raise SettingsError("which cluster? Give its name, or a file with -f")
    return name or (declared.name if declared else ""), declared


def changed(declaration: ClusterDeclaration, changes: Mapping[str, Any]) -> ClusterDeclaration:
    """The declaration with other values, checked again; keys are dotted names as they stand in a file."""
    from cloudk8s.provisioning.declaration.reading import declare

    entry = declaration.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    entry |= {"name": declaration.name, "provider": declaration.provider}
    for key, value in changes.items():
        *parents, last = key.split(".")
        place: Any = entry
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return declare(entry, "options")
