"""A compute driver, made when it is first used. The only module that loads libcloud."""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from cloudk8s.plugin import CloudError, SettingsError
from cloudk8s_libcloud.errors import cloud_error
from cloudk8s_libcloud.quirks import ec2_for_emulators
from cloudk8s_libcloud.settings import LibcloudSettings
from cloudk8s_libcloud.traits import DriverTraits, traits_of

T = TypeVar("T")


class Driver:
    """One account. Drivers share one connection, so calls are made one at a time."""

    def __init__(self, settings: LibcloudSettings, *, prepare: Callable[[Any], None] = lambda driver: None) -> None:
        """`prepare` is given the libcloud driver when it is made; tests hang faults into its connection."""
        self._settings = settings
        self._prepare = prepare
        self._driver: Any = None
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """Libcloud's name of the driver."""
        return self._settings.driver

    @property
    def traits(self) -> DriverTraits:
        return traits_of(self._settings.driver)

    def has(self, *methods: str) -> bool:
        """Whether the driver has these methods, and has not only inherited that it has not. Calls nothing."""
        return any(_implements(found, methods) for found in _versions(_class_of(self.name)))

    @cached_property
    def options(self) -> tuple[str, ...] | None:
        """What `create_node` takes beside name, size and image; None where nobody can tell."""
        found: set[str] = set()
        for version in _versions(_class_of(self.name)):
            for name, parameter in inspect.signature(version.create_node).parameters.items():
                if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                    return None
                found.add(name)
        return tuple(sorted(found - {"self", "name", "size", "image"}))

    def call(self, operation: str, function: Callable[[Any], T]) -> T:
        """Call something on the libcloud driver. Raises subclasses of CloudError."""
        with self._lock:
            try:
                return function(self._get())
            except (SettingsError, CloudError):
                raise
            except Exception as error:
                raise cloud_error(error, operation) from error

    def nodes(self) -> list[Any]:
        """All nodes of the account."""
        return list(self.call("list_nodes", lambda driver: driver.list_nodes()))

    def _get(self) -> Any:
        if self._driver is None:
            made = self._make()
            self._prepare(made)
            self._driver = made
        return self._driver

    def _make(self) -> Any:
        settings = self._settings
        driver_class = _class_of(settings.driver)
        if settings.emulator and self.traits is traits_of("ec2"):
            driver_class = ec2_for_emulators(driver_class)
        return made_driver(
            settings.driver, driver_class, (settings.key, settings.secret.get_secret_value()), settings.options
        )


def made_driver(name: str, driver_class: Any, credentials: Sequence[str], options: Mapping[str, Any]) -> Any:
    """A driver; what it does not take is the user's mistake."""
    try:
        return driver_class(*(text for text in credentials if text), **options)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"libcloud driver {name!r}: {error}") from error


def _implements(driver_class: Any, methods: Sequence[str]) -> bool:
    from libcloud.compute.base import NodeDriver

    own = {method: getattr(driver_class, method, None) for method in methods}
    return all(made is not None and made is not getattr(NodeDriver, name, None) for name, made in own.items())


def _versions(driver_class: Any) -> list[Any]:
    """The class; those that choose another one by the API's version when they are made stand for all of these."""
    if "__new__" not in vars(driver_class):
        return [driver_class]
    return [driver_class, *(kind for sub in driver_class.__subclasses__() for kind in _versions_below(sub))]


def _versions_below(driver_class: Any) -> list[Any]:
    return [driver_class, *(kind for sub in driver_class.__subclasses__() for kind in _versions_below(sub))]


def missing_libcloud() -> SettingsError:
    """What to do where libcloud is not installed."""
    return SettingsError("the libcloud provider needs apache-libcloud: pip install 'cloudk8s[libcloud]'")


def _class_of(name: str) -> Any:
    try:
        from libcloud.compute.providers import DRIVERS, get_driver
    except ImportError as error:
        raise missing_libcloud() from error
    try:
        return get_driver(name)
    except AttributeError as error:
        near = difflib.get_close_matches(name, [str(known) for known in DRIVERS], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"libcloud has no compute driver {name!r}{hint}") from error
