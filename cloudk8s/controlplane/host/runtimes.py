"""The container runtimes that plugins bring; asked for only where a runtime is wanted that is not built in."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.node.runtimes.catalog import RuntimeFactory


def plugged_in_runtimes() -> Mapping[str, RuntimeFactory]:
    """By the name that `--runtime` chooses them with. Imports all plugins, which a node does without otherwise."""
    from cloudk8s.plugin import Plugins, Runtimes

    return {entry.name: entry.factory for entry in Plugins.load().registry(Runtimes)}
