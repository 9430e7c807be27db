"""`cloudk8s cluster list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Offline, Provider, Set, Where, open_named
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format

COLUMNS = {
    "NAME": "name", "PROVIDER": "provider", "VERSION": "version", "CONTROL-PLANE": "controlPlane",
    "WORKERS": "workers", "POOLS": "pools",
}  # fmt: skip


def list_clusters(
    provider: Provider = "", offline: Offline = False, settings: Set = None,
    disable_plugin: DisabledPlugins = None, format: Output = Format.TABLE,
) -> None:  # fmt: skip
    """List the clusters of an account, from its tags alone; without --provider, of every account used from here.

    Example: cloudk8s cluster list --provider aws --offline
    """
    from cloudk8s.provisioning.description import list_clusters as rows_of

    accounts = [Where.of(provider, offline, settings, disable_plugin)] if provider else _accounts(disable_plugin)
    rows: dict[tuple[str, str], Any] = {}
    for account in accounts:
        for row in rows_of(open_named("-", account)):
            rows[row["provider"], row["name"]] = row
    output.show(list(rows.values()), format, COLUMNS)


def _accounts(disabled_plugins: Sequence[str] | None) -> list[Where]:
    """The accounts of all bookmarks, each once."""
    from cloudk8s.provisioning.bookmarks import bookmarks

    found = {
        Where.of(
            entry.provider, entry.offline, [f"{key}={value}" for key, value in sorted(entry.settings.items())],
            disabled_plugins,
        )
        for entry in bookmarks()
    }  # fmt: skip
    return sorted(found, key=lambda where: (where.provider, where.settings))
