"""The order of API versions."""

from __future__ import annotations

from cloudk8s.api.versions import priority_order


def test_stable_comes_first_then_beta_then_alpha_then_other_names() -> None:
    mixed = [
        "foo10",
        "v1alpha1",
        "v11beta2",
        "v10",
        "foo1",
        "v3beta1",
        "v12alpha1",
        "v2",
        "v10beta3",
        "v11alpha2",
        "v1",
    ]
    assert priority_order(mixed) == [
        "v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "v1alpha1", "foo1", "foo10",
    ]  # fmt: skip
