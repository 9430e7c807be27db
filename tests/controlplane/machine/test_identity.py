"""Which machine this is."""

from __future__ import annotations

import pytest

from cloudk8s.controlplane.machine.identity import INDEX, machine_name
from cloudk8s.errors import CloudK8sError


def test_machines_of_a_group_are_called_like_their_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudk8s.controlplane.machine.identity._metadata", lambda name: "i-0a1b2c")
    assert machine_name("demo-workers-53b51-*", {}) == "demo-workers-53b51-0a1b2c"


def test_user_data_of_one_machine_names_it() -> None:
    assert machine_name("demo-workers-[7]", {}) == "demo-workers-7"


def test_machines_that_were_made_together_are_told_apart_by_their_index() -> None:
    assert machine_name("demo-workers-[0-3,9]", {INDEX: "4"}) == "demo-workers-9"


def test_an_index_without_name_is_an_error() -> None:
    with pytest.raises(CloudK8sError, match="2 names"):
        machine_name("demo-workers-[0-1]", {INDEX: "5"})
