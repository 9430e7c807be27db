from __future__ import annotations

from importlib import import_module

import pytest

from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.registry import ALIASES, BUILT_IN, ControllerRegistry, built_in_controllers
from cloudk8s.errors import UserError


def factory(context: ControllerContext) -> Controller:
    raise NotImplementedError


@pytest.fixture
def registry() -> ControllerRegistry:
    registry = ControllerRegistry()
    registry.register("deployment-controller", factory)
    registry.register("job-controller", factory)
    registry.register("token-cleaner-controller", factory, is_default=False)
    return registry


@pytest.mark.parametrize(
    ("controllers", "selected"),
    [
        (["*"], ["deployment-controller", "job-controller"]),
        (["*", "-job-controller"], ["deployment-controller"]),
        (["-job-controller", "*"], ["deployment-controller"]),
        (["job-controller"], ["job-controller"]),
        (["*", "token-cleaner-controller"], ["deployment-controller", "job-controller", "token-cleaner-controller"]),
        (["job-controller", "-job-controller"], ["job-controller"]),
        (["-job-controller", "job-controller"], []),
        (["deployment"], ["deployment-controller"]),
        (["*", "-deployment"], ["job-controller"]),
        ([], []),
    ],
)
def test_selection(registry: ControllerRegistry, controllers: list[str], selected: list[str]) -> None:
    assert [registration.name for registration in registry.select(controllers)] == selected


def test_an_unknown_name_is_the_users_mistake_and_a_near_one_is_suggested(registry: ControllerRegistry) -> None:
    with pytest.raises(UserError, match='no controller "job-controler"; did you mean "job-controller"'):
        registry.select(["*", "-job-controler"])


def test_a_name_is_registered_once(registry: ControllerRegistry) -> None:
    with pytest.raises(ValueError, match="already registered"):
        registry.register("job-controller", factory)


def test_aliases_do_not_shadow_names() -> None:
    assert not set(ALIASES) & {name for name, _ in BUILT_IN}


@pytest.mark.parametrize(("name", "target"), BUILT_IN)
def test_every_built_in_controller_can_be_imported(name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    assert callable(getattr(import_module(module), attribute))


def test_built_in_controllers_are_all_there() -> None:
    assert [registration.name for registration in built_in_controllers()] == [name for name, _ in BUILT_IN]
