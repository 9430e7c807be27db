"""Plugins load in a stable order, and a broken one is named and left out."""

from __future__ import annotations

import types
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from cloudk8s.errors import SettingsError
from cloudk8s.plugin import Candidate, Controllers, Plugins, hookimpl


class CloudSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    region: str = "here"


def plugin(**hooks: Any) -> object:
    module = types.ModuleType("plugin")
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook))
    return module


def candidate(name: str, loaded: object, distribution: str = "dist") -> Candidate:
    def load() -> object:
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    return Candidate(name, distribution, "1.0", f"{name}.plugin", load)


def provider(**hooks: Any) -> object:
    return plugin(cloudk8s_settings=lambda: CloudSettings, **hooks)


def test_a_cloud_hook_is_called_on_the_named_provider_only() -> None:
    called: list[str] = []
    one = provider(cloudk8s_routes=lambda cloud: called.append("one"))
    two = provider(cloudk8s_routes=lambda cloud: called.append(f"two {cloud.settings.region}"))
    plugins = Plugins.load(candidates=[candidate("one", one), candidate("two", two)])
    cloud = plugins.cloud("prod", "two", {"region": "there"}, cluster="c")
    assert plugins.routes(cloud) is None
    assert called == ["two there"]


def test_a_provider_without_a_hook_offers_nothing() -> None:
    plugins = Plugins.load(candidates=[candidate("one", provider())])
    assert plugins.instances(plugins.cloud("c", "one", cluster="c")) is None


def test_settings_errors_name_the_cloud_the_field_and_a_near_miss() -> None:
    plugins = Plugins.load(candidates=[candidate("one", provider())])
    with pytest.raises(SettingsError, match=r"cloud 'prod': regin: .* did you mean 'region'\?"):
        plugins.cloud("prod", "one", {"regin": "x"}, cluster="c")


def test_an_unknown_provider_is_an_error_with_a_suggestion() -> None:
    plugins = Plugins.load(candidates=[candidate("libcloud", provider())])
    with pytest.raises(SettingsError, match="did you mean 'libcloud'"):
        plugins.settings_model("libclud")


def test_a_plugin_that_is_no_provider_is_not_listed_as_one() -> None:
    extra = plugin(register_controllers=lambda registry: None)
    plugins = Plugins.load(candidates=[candidate("cloud", provider()), candidate("extra", extra)])
    assert plugins.providers == ("cloud",)
    with pytest.raises(SettingsError, match="is not a cloud provider; there is 'cloud'"):
        plugins.settings_model("extra")


def test_a_plugin_that_fails_to_import_is_left_out_and_explains_itself() -> None:
    plugins = Plugins.load(
        candidates=[candidate("bad", ImportError("no module named 'x'"), "bad-dist"), candidate("ok", provider())]
    )
    assert plugins.names == ("ok",)
    with pytest.raises(SettingsError, match=r"plugin 'bad' of bad-dist.*no module named 'x'"):
        plugins.settings_model("bad")


def test_a_plugin_that_ends_the_process_ends_only_itself() -> None:
    def load() -> object:
        raise SystemExit(3)

    plugins = Plugins.load(
        candidates=[Candidate("bad", "bad-dist", "1.0", "bad.plugin", load), candidate("ok", provider())]
    )
    assert plugins.names == ("ok",)
    assert "plugin 'bad' of bad-dist" in str(plugins.failures[0])


def test_a_misspelt_hook_is_refused_with_a_suggestion() -> None:
    plugins = Plugins.load(candidates=[candidate("typo", plugin(cloudk8s_instance=lambda cloud: None))])
    assert "did you mean 'cloudk8s_instances'" in str(plugins.failures[0])
    assert plugins.names == ()


def test_a_hook_with_unknown_parameters_is_refused() -> None:
    plugins = Plugins.load(candidates=[candidate("args", plugin(cloudk8s_routes=lambda cluod: None))])
    assert "cluod" in str(plugins.failures[0])


def test_two_plugins_of_one_name_keep_the_first_and_name_both() -> None:
    plugins = Plugins.load(candidates=[candidate("x", provider(), "first"), candidate("x", provider(), "second")])
    assert plugins.names == ("x",)
    assert "second" in str(plugins.failures[0])
    assert "first" in str(plugins.failures[0])


def test_a_disabled_plugin_is_not_loaded() -> None:
    plugins = Plugins.load(candidates=[candidate("x", ImportError("never tried"))], disabled=["x"])
    assert plugins.failures == []
    with pytest.raises(SettingsError, match="is disabled"):
        plugins.settings_model("x")


def test_registries_keep_order_and_refuse_a_taken_name() -> None:
    first = plugin(register_controllers=lambda registry: registry.register("backup", int, description="b"))
    second = plugin(
        register_controllers=lambda registry: (registry.register("audit", int), registry.register("backup", int))[0]
    )
    third = plugin(register_controllers=lambda registry: registry.register("cost", int))
    plugins = Plugins.load(
        candidates=[candidate("a", first, "da"), candidate("b", second, "db"), candidate("c", third, "dc")]
    )
    registry = plugins.registry(Controllers)
    assert registry.names() == ("backup", "cost")
    assert "plugin 'b' of db: controller 'backup' is taken by plugin 'a' of da" in str(plugins.failures[0])


def test_an_unknown_name_in_a_registry_suggests() -> None:
    extra = plugin(register_controllers=lambda registry: registry.register("backup", int))
    registry = Plugins.load(candidates=[candidate("a", extra)]).registry(Controllers)
    assert registry.get("backup") is int
    with pytest.raises(SettingsError, match="there is no controller 'backpu'; did you mean 'backup'"):
        registry.get("backpu")


def test_describe_lists_loaded_disabled_and_failed() -> None:
    plugins = Plugins.load(
        candidates=[candidate("ok", provider()), candidate("bad", ValueError("x")), candidate("off", provider())],
        disabled=["off"],
    )
    rows = {info.name: info for info in plugins.describe()}
    assert rows["ok"].hooks == ("cloudk8s_settings",)
    assert (rows["ok"].status, rows["bad"].status, rows["off"].status) == ("loaded", "failed", "disabled")
    assert rows["ok"].version == "1.0"


def test_trace_reports_calls_and_results() -> None:
    lines: list[str] = []
    plugins = Plugins.load(candidates=[candidate("ok", provider())])
    stop = plugins.trace(lines.append)
    plugins.settings_model("ok")
    stop()
    plugins.settings_model("ok")
    assert lines[0] == "hook cloudk8s_settings() → ok"
    assert len(lines) == 2


def test_verbose_processes_log_every_hook_call(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="cloudk8s.plugin.manager")
    Plugins.load().settings_model("simulated")
    assert "hook cloudk8s_settings() → simulated" in caplog.text
