"""Make the profiles that a configuration describes.

At every extension point stand, in this order: plugins of `multiPoint` that the point configures itself, the other
ones of `multiPoint`, and those that only the point enables.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.errors import SettingsError
from cloudk8s.scheduler.configuration.model import Plugin, PluginSet, ProfileConfiguration
from cloudk8s.scheduler.framework.profile import POINTS, Profile
from cloudk8s.scheduler.interface import Factory, Handle
from cloudk8s.scheduler.plugins.catalog import BUILT_IN, WEIGHTS

DEFAULTS: Final = tuple(Plugin(name=name) for name in BUILT_IN)


def fill_profile(
    profile: Profile, configuration: ProfileConfiguration, factories: Mapping[str, Factory], handle: Handle
) -> None:
    """Put the plugins of a configuration into a profile. Raises SettingsError for what does not fit."""
    plugins = configuration.plugins
    everywhere = _merged(DEFAULTS, plugins.multi_point)
    arguments = {item.name: item.args for item in configuration.plugin_config}
    made: dict[str, Any] = {}
    _check(arguments, factories, "pluginConfig")

    def instance(name: str) -> Any:
        if name not in made:
            _check([name], factories, "plugins")
            made[name] = factories[name](arguments.get(name) or {}, handle)
        return made[name]

    for point, kind in POINTS.items():
        chosen: PluginSet = getattr(plugins, point)
        for plugin, is_explicit in _ordered(everywhere, chosen):
            found = instance(plugin.name)
            if isinstance(found, kind):
                profile.add(found, plugin.weight or WEIGHTS.get(plugin.name, 1), points=[point])
            elif is_explicit:
                raise SettingsError(f"plugin {plugin.name} does not take part in {point}")
    _require(profile)


def check_queue_sort(profiles: Mapping[str, Profile]) -> None:
    """There is one queue, so all profiles must sort it alike. Raises SettingsError."""
    plugins = {name: profile.queue_sort[0].name for name, profile in profiles.items()}  # type: ignore[attr-defined]
    if len(set(plugins.values())) > 1:
        found = ", ".join(f"{name} by {plugin}" for name, plugin in plugins.items())
        raise SettingsError(f"all profiles must sort the queue by the same plugin: {found}")


def _merged(defaults: Sequence[Plugin], chosen: PluginSet) -> list[Plugin]:
    """The defaults less what is disabled, with settings of their own, and then the rest."""
    disabled = {plugin.name for plugin in chosen.disabled}
    own = {plugin.name: plugin for plugin in chosen.enabled}
    kept = [] if "*" in disabled else [plugin for plugin in defaults if plugin.name not in disabled]
    names = {plugin.name for plugin in kept}
    merged = [own.get(plugin.name, plugin) for plugin in kept]
    return merged + [plugin for plugin in chosen.enabled if plugin.name not in names]


def _ordered(everywhere: Sequence[Plugin], chosen: PluginSet) -> list[tuple[Plugin, bool]]:
    """The plugins of one point, and whether the point names them itself."""
    names = {plugin.name for plugin in everywhere}
    explicit = {plugin.name for plugin in chosen.enabled}
    disabled = {plugin.name for plugin in chosen.disabled}
    inherited = [] if "*" in disabled else [plugin for plugin in everywhere if plugin.name not in disabled | explicit]
    return [
        *((plugin, True) for plugin in chosen.enabled if plugin.name in names),
        *((plugin, False) for plugin in inherited),
        *((plugin, True) for plugin in chosen.enabled if plugin.name not in names),
    ]


def _check(names: Sequence[str] | Mapping[str, Any], factories: Mapping[str, Factory], where: str) -> None:
    for name in names:
        if name not in factories:
            near = difflib.get_close_matches(name, factories, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(sorted(factories))}"
            raise SettingsError(f"{where}: there is no scheduler plugin {name!r}{hint}")


def _require(profile: Profile) -> None:
    if len(profile.queue_sort) != 1:
        raise SettingsError(f"profile {profile.scheduler_name}: exactly one plugin must sort the queue")
    if not profile.bind:
        raise SettingsError(f"profile {profile.scheduler_name}: no plugin binds pods")
