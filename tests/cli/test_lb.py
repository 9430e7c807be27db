"""`cloudk8s lb`: looking first, and exit codes that scripts can go by."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.cli.app import run
from cloudk8s.cloud.load_balancer_plan import Orphan
from cloudk8s.cloud.model.load_balancer import LoadBalancerState, ServiceKey
from cloudk8s.controlplane import load_balancers
from cloudk8s.errors import CloudError

LEFT = Orphan("sim", LoadBalancerState(ServiceKey("uid-1", "shop", "web")), "there is no such Service")


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How `collect` was called; it finds one that nobody owns."""
    found: list[bool] = []

    async def collect(clouds: Any, kubeconfig: Any, *, apply: bool, disabled_plugins: Any) -> Any:
        found.append(apply)
        return [LEFT], {}

    monkeypatch.setattr(load_balancers, "collect", collect)
    return found


def gc(*flags: str) -> int:
    return run(["lb", "gc", "--cloud-provider", "simulated", *flags])


def test_leftovers_are_shown_first(applied: list[bool], capsys: pytest.CaptureFixture[str]) -> None:
    assert gc() == 2
    assert applied == [False]
    assert "shop/web" in capsys.readouterr().out


def test_leftovers_are_deleted_when_told_to(applied: list[bool], capsys: pytest.CaptureFixture[str]) -> None:
    assert gc("--apply") == 0
    assert applied == [True]
    assert "1 deleted" in capsys.readouterr().err


def test_what_could_not_be_deleted_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def collect(clouds: Any, kubeconfig: Any, *, apply: bool, disabled_plugins: Any) -> Any:
        return [LEFT], {"uid-1": CloudError("still used")}

    monkeypatch.setattr(load_balancers, "collect", collect)
    assert gc("--apply") == 1
    assert "uid-1: still used" in capsys.readouterr().err
