from __future__ import annotations

from cloudk8s.api.strategies import strategies
from cloudk8s.machinery import codec


def test_every_kind_has_one_shared_strategy() -> None:
    assert strategies() is strategies()
    assert ("apps", "Deployment") in strategies()
    assert ("events.k8s.io", "Event") in strategies()


def test_defaults_are_idempotent_for_an_empty_object() -> None:
    for (group, kind), strategy in strategies().items():
        obj = {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "metadata": {"name": "a"}}
        strategy.set_defaults(obj)
        once = codec.copy(obj)
        strategy.set_defaults(obj)
        assert obj == once, kind


def test_selectable_values_have_the_declared_names() -> None:
    for strategy in strategies().values():
        held = {strategy.field_labels.get(name, name) for name in strategy.selectable_field_names}
        assert held <= strategy.selectable_fields({"metadata": {}}).keys(), strategy
