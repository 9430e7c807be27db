"""Defaults of pods."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.strategies.pod.defaults import default_pod

ONE, OTHER = {"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"podIP": "10.0.0.1"}, {"podIP": "10.0.0.1", "podIPs": [ONE]}),
        ({"podIPs": [ONE, OTHER]}, {"podIP": "10.0.0.1", "podIPs": [ONE, OTHER]}),
        ({"podIP": "10.0.0.1", "podIPs": [ONE, OTHER]}, {"podIP": "10.0.0.1", "podIPs": [ONE, OTHER]}),
        ({"podIP": "10.0.0.1", "podIPs": [OTHER, ONE]}, {"podIP": "10.0.0.1", "podIPs": [ONE]}),
        ({"hostIP": "10.0.0.9"}, {"hostIP": "10.0.0.9"}),
        ({}, {}),
    ],
)
def test_the_addresses_of_a_pod_are_one_address_and_a_list_of_them(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    pod: dict[str, Any] = {"spec": {}, "status": given}
    default_pod(pod)
    assert pod["status"] == expected
