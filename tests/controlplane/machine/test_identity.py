"""Which machine this is."""

from __future__ import annotations

import pytest

from cloudk8s.controlplane.machine.identity import INDEX, machine_name
from cloudk8s.errors import CloudK8sError


def test_user_data_of_one_machine_names_it() -> None:
    assert machine_name("demo-workers-[7]", {}) == "demo-workers-7"


def test_machines_that_were_made_together_are_told_apart_by_their_index() -> None:
    assert machine_name("demo-workers-[0-3,9]", {INDEX: "4"}) == "demo-workers-9"


def test_an_index_without_name_is_an_error() -> None:
    with pytest.raises(CloudK8sError, match="2 names"):
        machine_name("demo-workers-[0-1]", {INDEX: "5"})
