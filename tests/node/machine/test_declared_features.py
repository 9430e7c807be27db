"""What nodes declare that they can do."""

from __future__ import annotations

import pytest

from cloudk8s.node.machine.node_object import declared_features
from cloudk8s.node.pods import restarts
from cloudk8s.scheduler.pod.features import RESTART_ALL, required_features


@pytest.mark.parametrize(("version", "is_told"), [("v1.35.0", False), ("v1.36.0", True), ("v1.37.0", True)])
def test_features_are_declared_to_servers_that_know_the_field(version: str, is_told: bool) -> None:
    assert declared_features(version) == ({"declaredFeatures": [RESTART_ALL]} if is_told else {})


def test_what_a_node_declares_is_what_its_agent_does() -> None:
    rule = {"action": restarts.RESTART_ALL, "exitCodes": {"operator": "In", "values": [1]}}
    pod = {"metadata": {}, "spec": {"containers": [{"name": "c", "restartPolicyRules": [rule]}]}}
    assert restarts.may_restart_all(pod)
    assert set(required_features(pod["spec"])) <= set(declared_features("v1.37.0")["declaredFeatures"])
