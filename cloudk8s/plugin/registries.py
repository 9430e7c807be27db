"""Typed name tables that `register_*` hooks fill: one for each thing that plugs in and is not a cloud."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cloudk8s.errors import SettingsError
from cloudk8s.plugin.failure import PluginError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One registered thing and where it comes from."""

    name: str
    factory: T
    description: str
    plugin: str
    distribution: str


class Registry(Generic[T]):
    """Names to factories. The order is that of registration; a name is taken once."""

    kind = "entry"

    def __init__(self) -> None:
        self._entries: dict[str, Entry[T]] = {}
        self._plugin = self._distribution = ""

    def register(self, name: str, factory: T, *, description: str = "") -> None:
        """Add one; raises PluginError where another plugin, or this one, has taken the name."""
        if taken := self._entries.get(name):
            raise PluginError(
                self._plugin, self._distribution,
                f"{self.kind} {name!r} is taken by plugin {taken.plugin!r} of {taken.distribution}",
            )  # fmt: skip
        description = description or _first_line(factory)
        self._entries[name] = Entry(name, factory, description, self._plugin, self._distribution)

    def get(self, name: str) -> T:
        """The factory; raises SettingsError with near misses for an unknown name."""
        if entry := self._entries.get(name):
            return entry.factory
        raise SettingsError(f"there is no {self.kind} {name!r}{self._suggestion(name)}")

    def names(self) -> tuple[str, ...]:
        """All names, in order of registration."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(self._entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, plugin: str, distribution: str) -> None:
        """What follows is registered by this plugin; called by the plugin manager."""
        self._plugin, self._distribution = plugin, distribution

    def withdraw(self, plugin: str) -> None:
        """Forget what a plugin has registered before it failed; called by the plugin manager."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.plugin != plugin}

    def _suggestion(self, name: str) -> str:
        if near := difflib.get_close_matches(name, self._entries, n=1):
            return f"; did you mean {near[0]!r}?"
        return f"; there is {', '.join(map(repr, self._entries))}" if self._entries else ""


class StorageBackends(Registry[Any]):
    """URL scheme → coroutine function `open(url, **options)` that returns a `Store`."""

    kind = "storage backend"


class Runtimes(Registry[Any]):
    """Name → function that returns a container runtime."""

    kind = "runtime"


class Controllers(Registry[Any]):
    """Name → function of a `ControllerContext` that returns a `Controller`."""

    kind = "controller"


class SchedulerPlugins(Registry[Any]):
    """Name → function of arguments and a `Handle` that returns a plugin; see `cloudk8s.plugin.scheduler`."""

    kind = "scheduler plugin"


class AdmissionPlugins(Registry[Any]):
    """Name → function that returns an admission plugin."""

    kind = "admission plugin"


class Authenticators(Registry[Any]):
    """Name → function that returns an authenticator."""

    kind = "authenticator"


class Authorizers(Registry[Any]):
    """Name → function that returns an authorizer."""

    kind = "authorizer"


class BootstrapMethods(Registry[Any]):
    """Name → function that returns a bootstrap method."""

    kind = "bootstrap method"


class Commands(Registry[Any]):
    """Name → typer application, or a function that becomes a command."""

    kind = "command"


def _first_line(factory: object) -> str:
    return (getattr(factory, "__doc__", None) or "").strip().partition("\n")[0]
