"""Admission plugins, authenticators, authorizers, controllers and commands that plugins bring are used."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.cli import app
from cloudk8s.controlplane.api_server import ApiServerOptions, RunningApiServer, running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.errors import Forbidden, SettingsError
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.plugin import Candidate, Plugins, hookimpl
from cloudk8s.plugin.apiserver import (
    ALLOWED,
    NO_OPINION,
    AdmissionPlugin,
    AdmissionRequest,
    Attributes,
    Decision,
    Request,
    UserInfo,
    Verified,
    forbidden,
)
from cloudk8s.plugin.controllers import ControllerContext
from cloudk8s.settings import ClusterSettings
from tests.apiserver.authentication import requests

MAPS = "/api/v1/namespaces/default/configmaps"


class RequireOwner(AdmissionPlugin):
    def validate(self, request: AdmissionRequest) -> None:
        labels = (request.obj or {}).get("metadata", {}).get("labels") or {}
        if request.resource.kind == "ConfigMap" and request.namespace == "default" and "owner" not in labels:
            raise forbidden(request.resource, request.name, "every ConfigMap needs an owner")


class Badge:
    """Knows requests by a header."""

    def authenticate(self, request: Request) -> UserInfo | None:
        name = request.headers.get("x-badge")
        return UserInfo(name) if name else None


class Riddle:
    """Knows one bearer token."""

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        return Verified(UserInfo("sphinx"), audiences, 60) if token == "man" else None


class ReadersOnly:
    def authorize(self, attributes: Attributes) -> Decision:
        return ALLOWED if attributes.verb in ("get", "list") else NO_OPINION


class Greeter:
    """Writes one object as soon as it runs."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    async def run(self) -> None:
        self._context.settings.data_dir.joinpath("greeting").write_text("hello")
        await asyncio.Event().wait()


def registering(hook: str, **factories: Any) -> Candidate:
    """A plugin that registers these."""

    def register(registry: Any) -> None:
        for name, factory in factories.items():
            registry.register(name, factory)

    module = types.ModuleType("plugin")
    setattr(module, hook, hookimpl(register))
    return Candidate(hook, "acme-plugins", "1.0", "acme.plugin", lambda: module)


@asynccontextmanager
async def server_with(
    monkeypatch: pytest.MonkeyPatch, path: Path, *candidates: Candidate, options: ApiServerOptions | None = None
) -> AsyncIterator[RunningApiServer]:
    monkeypatch.setattr("cloudk8s.plugin.manager.find_plugins", lambda: list(candidates))
    settings = ClusterSettings(data_dir=path, port=0, store="memory://")
    async with running_api_server(settings, options) as server:
        yield server


async def create_map(server: RunningApiServer, **labels: str) -> None:
    api = server.assembly.local(UserInfo("root", groups=("system:masters",)), agent="test")
    await api.call("POST", MAPS, body={"metadata": {"name": "conf", "labels": labels}})


async def test_an_admission_plugin_refuses_what_it_does_not_like(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugin = registering("register_admission_plugins", RequireOwner=RequireOwner)
    async with server_with(monkeypatch, tmp_path, plugin) as server:
        with pytest.raises(Forbidden, match='configmaps "conf" is forbidden: every ConfigMap needs an owner'):
            await create_map(server)
        await create_map(server, owner="me")


async def test_an_admission_plugin_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin = registering("register_admission_plugins", RequireOwner=RequireOwner)
    options = ApiServerOptions(disabled_admission=("RequireOwner", "LimitRanger"))
    async with server_with(monkeypatch, tmp_path, plugin, options=options) as server:
        await create_map(server)
        assert "LimitRanger" not in [each.name for each in server.core.admission.plugins]


async def test_an_unknown_admission_plugin_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = ApiServerOptions(enabled_admission=("LimitRange",))
    with pytest.raises(SettingsError, match="no admission plugin 'LimitRange'; did you mean 'LimitRanger'"):
        async with server_with(monkeypatch, tmp_path, options=options):
            pass


async def test_authenticators_know_users_by_requests_and_tokens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugin = registering("register_authenticators", badge=Badge, riddle=Riddle)
    async with server_with(monkeypatch, tmp_path, plugin) as server:
        assert whoami(server, {"x-badge": "ann"}) == "ann"
        assert whoami(server, {"authorization": "Bearer man"}) == "sphinx"
        assert whoami(server, {}) == "system:anonymous"


def whoami(server: RunningApiServer, headers: dict[str, str]) -> str:
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    request = requests.request(None, **named)
    return server.assembly.security.authenticate(request, parse_path("/")).name


async def test_an_authorizer_is_a_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin = registering("register_authorizers", ReadersOnly=ReadersOnly)
    options = ApiServerOptions(authorization_modes=("ReadersOnly",))
    async with server_with(monkeypatch, tmp_path, plugin, options=options) as server:
        api = server.assembly.local(UserInfo("ann"), agent="test")
        await api.call("GET", MAPS)
        with pytest.raises(Forbidden, match='User "ann" cannot create resource "configmaps"'):
            await api.call("POST", MAPS, body={"metadata": {"name": "conf"}})


async def test_controllers_of_plugins_run_beside_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin = registering("register_controllers", greeter=Greeter)
    async with server_with(monkeypatch, tmp_path, plugin) as server:
        clock = SystemClock()
        async with running_controllers(server, ["greeter"], clock=clock):
            for _ in range(500):
                if (tmp_path / "greeting").exists():
                    return
                await clock.sleep(0.01)
    pytest.fail("the controller did not run")


async def test_a_controller_cannot_take_the_name_of_one_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugin = registering("register_controllers", **{"job-controller": Greeter})
    async with server_with(monkeypatch, tmp_path, plugin) as server:
        with pytest.raises(SettingsError, match="of acme-plugins: a controller named 'job-controller' is already"):
            async with running_controllers(server, ["*"], clock=SystemClock()):
                pass


def test_commands_of_plugins_are_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def cost(months: int = 1) -> None:
        """Say what this cluster costs."""
        print(f"{months * 7} euros")

    plugin = registering("register_commands", cost=cost, up=cost)
    monkeypatch.setattr("cloudk8s.plugin.manager.find_plugins", lambda: [plugin])
    assert app.run(["cost", "--months", "3"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "21 euros\n"
    assert "command 'up' of plugin 'register_commands' is left out: the name is taken" in printed.err
    assert Plugins.load().names == ("register_commands",)
