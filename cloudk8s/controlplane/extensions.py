"""What plugins add to the components: loaded once, asked for where a component is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cloudk8s.apiserver.admission.interface import AdmissionPlugin
from cloudk8s.apiserver.authentication.interface import Authenticator, TokenAuthenticator
from cloudk8s.apiserver.authorization.interface import Authorizer
from cloudk8s.controllers.registry import ControllerRegistry, built_in_controllers
from cloudk8s.errors import SettingsError
from cloudk8s.plugin import AdmissionPlugins, Authenticators, Authorizers, Controllers, Plugins


def admission_plugins(plugins: Plugins) -> Sequence[AdmissionPlugin]:
    """One of each, under the name it is registered by."""
    made = []
    for entry in plugins.registry(AdmissionPlugins):
        plugin = entry.factory()
        if not isinstance(plugin, AdmissionPlugin):
            raise SettingsError(f"admission plugin {entry.name!r} of {entry.distribution} is no AdmissionPlugin")
        plugin.name = entry.name
        made.append(plugin)
    return made


def authenticators(plugins: Plugins) -> tuple[Sequence[Authenticator], Sequence[TokenAuthenticator]]:
    """Those that look at requests, and those that look at bearer tokens."""
    requests: list[Authenticator] = []
    tokens: list[TokenAuthenticator] = []
    for entry in plugins.registry(Authenticators):
        made = entry.factory()
        if callable(getattr(made, "verify", None)):
            tokens.append(made)
        elif callable(getattr(made, "authenticate", None)):
            requests.append(made)
        else:
            raise SettingsError(f"authenticator {entry.name!r} of {entry.distribution} has no authenticate or verify")
    return requests, tokens


def authorizers(plugins: Plugins) -> Mapping[str, Callable[[], Authorizer]]:
    """By the name that `--authorization-mode` chooses them with."""
    return {entry.name: entry.factory for entry in plugins.registry(Authorizers)}


def all_controllers(plugins: Plugins) -> ControllerRegistry:
    """Ours and those of plugins, which run unless they are turned off."""
    registry = built_in_controllers()
    for entry in plugins.registry(Controllers):
        try:
            registry.register(entry.name, entry.factory)
        except ValueError as error:
            raise SettingsError(f"plugin {entry.plugin!r} of {entry.distribution}: {error}") from error
    return registry
