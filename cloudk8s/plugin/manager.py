"""Load plugins, keep the host alive when one is broken, and ask a provider for its contracts.

Entry points → `Plugins.load` → hooks, called once each at assembly → contracts and registries.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from cloudk8s.cloud.directory import CloudController
from cloudk8s.cloud.interface import Instances, LoadBalancers, Machines, Networks, Routes, Volumes
from cloudk8s.cloud.model.cloud import Cloud
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.plugin import hookspecs, registries
from cloudk8s.plugin.description import PluginInfo
from cloudk8s.plugin.discovery import Candidate, find_plugins
from cloudk8s.plugin.failure import PluginError

if TYPE_CHECKING:
    from pydantic import BaseModel

log = logging.getLogger(__name__)

R = TypeVar("R", bound=registries.Registry[Any])


class Plugins:
    """The loaded plugins of one process.

    A plugin that fails to load, to register, or clashes is left out and listed in `failures`; to ask for it by name
    is an error that says why it is missing.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._candidates: dict[str, Candidate] = {}
        self._registries: dict[type[registries.Registry[Any]], registries.Registry[Any]] = {}
        self.disabled: tuple[str, ...] = ()
        self.failures: list[PluginError] = []

    @staticmethod
    def load(*, disabled: Collection[str] = (), candidates: Iterable[Candidate] | None = None) -> Plugins:
        """Load every plugin that is installed, but for the disabled ones."""
        plugins = Plugins()
        if log.isEnabledFor(logging.DEBUG):
            plugins.trace(log.debug)
        for candidate in find_plugins() if candidates is None else candidates:
            if candidate.name in disabled:
                plugins.disabled += (candidate.name,)
            else:
                plugins.add(candidate)
        return plugins

    def add(self, candidate: Candidate) -> None:
        """Load one plugin; what is wrong with it ends up in `failures`."""
        try:
            self._register(candidate)
        except PluginError as error:
            self.failures.append(error)
            log.warning("%s; going on without it", error)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the plugins that work, in their order."""
        return tuple(self._candidates)

    @property
    def providers(self) -> tuple[str, ...]:
        """Names of the plugins that are cloud providers."""
        hooks = self._manager.hook.cloudk8s_settings.get_hookimpls()
        offering = {hook.plugin_name for hook in hooks}
        return tuple(name for name in self._candidates if name in offering)

    def cloud(
        self, name: str, provider: str, settings: Mapping[str, Any] | BaseModel | None = None, *, cluster: str,
        clock: Clock | None = None,
    ) -> Cloud[Any]:  # fmt: skip
        """A configured cloud with validated settings; raises SettingsError that names the field."""
        model = self.settings_model(provider)
        if settings is None or isinstance(settings, Mapping):
            settings = _validated(model, name, settings or {})
        return Cloud(name, provider, settings, cluster, clock or SystemClock())

    def settings_model(self, provider: str) -> type[BaseModel]:
        """The provider's settings model; raises SettingsError for an unknown, disabled or broken provider."""
        model: type[BaseModel] | None = self._call("cloudk8s_settings", provider)
        if model is None:
            raise SettingsError(f"plugin {provider!r} is not a cloud provider{self._known_providers()}")
        return model

    def instances(self, cloud: Cloud[Any]) -> Instances | None:
        """The cloud's instances contract, None where it has none. Call once, at assembly; so for the other five."""
        instances: Instances | None = self._call("cloudk8s_instances", cloud.provider, cloud=cloud)
        return instances

    def routes(self, cloud: Cloud[Any]) -> Routes | None:
        routes: Routes | None = self._call("cloudk8s_routes", cloud.provider, cloud=cloud)
        return routes

    def load_balancers(self, cloud: Cloud[Any]) -> LoadBalancers | None:
        balancers: LoadBalancers | None = self._call("cloudk8s_load_balancers", cloud.provider, cloud=cloud)
        return balancers

    def machines(self, cloud: Cloud[Any]) -> Machines | None:
        machines: Machines | None = self._call("cloudk8s_machines", cloud.provider, cloud=cloud)
        return machines

    def networks(self, cloud: Cloud[Any]) -> Networks | None:
        networks: Networks | None = self._call("cloudk8s_networks", cloud.provider, cloud=cloud)
        return networks

    def volumes(self, cloud: Cloud[Any]) -> Volumes | None:
        volumes: Volumes | None = self._call("cloudk8s_volumes", cloud.provider, cloud=cloud)
        return volumes

    def cloud_controllers(self, cloud: Cloud[Any]) -> Sequence[CloudController]:
        """The controllers that the cloud's provider brings along."""
        controllers: Sequence[CloudController] | None = self._call("cloudk8s_controllers", cloud.provider, cloud=cloud)
        return controllers or ()

    def permissions(self, provider: str) -> Mapping[str, Any] | None:
        """What the provider's account must allow; None where it does not tell."""
        self.settings_model(provider)
        found: Mapping[str, Any] | None = self._call("cloudk8s_permissions", provider)
        return found

    def make_offline_instances(self, cloud: Cloud[Any], nodes: Sequence[str]) -> None:
        """Ready an emulated account for these nodes; providers without emulator have nothing to do."""
        self._call("cloudk8s_offline_instances", cloud.provider, cloud=cloud, nodes=nodes)

    def registry(self, kind: type[R]) -> R:
        """The filled registry of a kind; hooks are called the first time it is asked for."""
        if kind not in self._registries:
            self._registries[kind] = self._filled(kind())
        registry = self._registries[kind]
        assert isinstance(registry, kind)
        return registry

    def describe(self) -> list[PluginInfo]:
        """Everything that was found, for `plugin list`: loaded, disabled and failed."""
        infos = [PluginInfo.loaded(candidate, self._hooks_of(name)) for name, candidate in self._candidates.items()]
        infos += [PluginInfo.disabled(name) for name in self.disabled]
        return infos + [PluginInfo.failed(failure) for failure in self.failures]

    def trace(self, write: Callable[[str], None]) -> Callable[[], None]:
        """Report every hook call, its arguments' names and its result; returns the function that stops it."""

        def before(hook: str, impls: Sequence[pluggy.HookImpl], kwargs: Mapping[str, Any]) -> None:
            names = ", ".join(impl.plugin_name for impl in impls) or "nobody"
            write(f"hook {hook}({', '.join(kwargs)}) → {names}")

        def after(outcome: Any, hook: str, impls: Sequence[pluggy.HookImpl], kwargs: Mapping[str, Any]) -> None:
            result = f"raised {outcome.exception!r}" if outcome.exception else f"returned {outcome.get_result()!r}"
            write(f"hook {hook} {result}")

        return self._manager.add_hookcall_monitoring(before, after)

    def _register(self, candidate: Candidate) -> None:
        if taken := self._candidates.get(candidate.name):
            raise _error(candidate, f"the name is taken by {taken.distribution} ({taken.target})")
        try:
            plugin = candidate.load()
        except (Exception, SystemExit) as error:  # a module that ends the process ends only itself
            raise _error(candidate, f"{candidate.target} can't be loaded: {error!r}") from error
        try:
            self._manager.register(plugin, candidate.name)
            self._refuse_unknown_hooks(candidate, plugin)
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.has_plugin(candidate.name):
                self._manager.unregister(name=candidate.name)
            raise _error(candidate, str(error)) from error
        self._candidates[candidate.name] = candidate

    def _refuse_unknown_hooks(self, candidate: Candidate, plugin: object) -> None:
        known = [name for name in vars(self._manager.hook) if _is_specified(self._manager, name)]
        for caller in self._manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                near = difflib.get_close_matches(caller.name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"there is no hook {caller.name!r}{hint}")

    def _call(self, hook: str, name: str, **arguments: object) -> Any:
        self._require(name)
        results = self._subset(hook, name)(**arguments)
        return results[0] if results else None

    def _subset(self, hook: str, name: str) -> pluggy.HookCaller:
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        return self._manager.subset_hook_caller(hook, remove_plugins=others)

    def _require(self, name: str) -> None:
        if name in self._candidates:
            return
        if name in self.disabled:
            raise SettingsError(f"plugin {name!r} is disabled; take it out of the disabled plugins to use it")
        if failure := next((failure for failure in self.failures if failure.plugin == name), None):
            raise SettingsError(str(failure)) from failure
        near = difflib.get_close_matches(name, self._candidates, n=1)
        raise SettingsError(
            f"there is no provider {name!r}" + (f"; did you mean {near[0]!r}?" if near else self._known_providers())
        )

    def _known_providers(self) -> str:
        return f"; there is {', '.join(map(repr, self.providers))}" if self.providers else ""

    def _filled(self, registry: R) -> R:
        hook = REGISTER_HOOKS[type(registry)]
        for name, candidate in self._candidates.items():
            registry.begin(name, candidate.distribution)
            try:
                self._subset(hook, name)(registry=registry)
            except Exception as error:  # noqa: BLE001 (a plugin may fail in any way)
                registry.withdraw(name)
                failure = error if isinstance(error, PluginError) else _error(candidate, f"{hook} failed: {error!r}")
                self.failures.append(failure)
                log.warning("%s; going on without it", failure)
        registry.begin("", "")
        return registry

    def _hooks_of(self, name: str) -> tuple[str, ...]:
        callers = self._manager.get_hookcallers(self._manager.get_plugin(name)) or ()
        return tuple(sorted(caller.name for caller in callers))


REGISTER_HOOKS: Mapping[type[registries.Registry[Any]], str] = {
    registries.StorageBackends: "register_storage_backends",
    registries.Runtimes: "register_runtimes",
    registries.Controllers: "register_controllers",
    registries.SchedulerPlugins: "register_scheduler_plugins",
    registries.AdmissionPlugins: "register_admission_plugins",
    registries.Authenticators: "register_authenticators",
    registries.Authorizers: "register_authorizers",
    registries.BootstrapMethods: "register_bootstrap_methods",
    registries.Commands: "register_commands",
}


def _error(candidate: Candidate, reason: str) -> PluginError:
    return PluginError(candidate.name, candidate.distribution, reason)


def _is_specified(manager: pluggy.PluginManager, name: str) -> bool:
    caller = getattr(manager.hook, name)
    return isinstance(caller, pluggy.HookCaller) and caller.has_spec()


def _validated(model: type[BaseModel], cloud: str, settings: Mapping[str, Any]) -> BaseModel:
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "settings"
        near = difflib.get_close_matches(field, model.model_fields, n=1) if first["type"] == "extra_forbidden" else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"cloud {cloud!r}: {field}: {first['msg']}{hint}") from error
