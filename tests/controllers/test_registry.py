from __future__ import annotations

from importlib import import_module

import pytest

from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.names import ALIASES, ELSEWHERE
from cloudk8s.controllers.registry import (
    BUILT_IN,
    OF_API_SERVER,
    OFF_BY_DEFAULT,
    ControllerRegistry,
    built_in_controllers,
)
from cloudk8s.errors import UserError

UPSTREAM_LIST = """
    bootstrap-signer-controller certificatesigningrequest-approving-controller
    certificatesigningrequest-cleaner-controller certificatesigningrequest-signing-controller
    cloud-node-lifecycle-controller clusterrole-aggregation-controller cronjob-controller daemonset-controller
    deployment-controller device-taint-eviction-controller disruption-controller endpoints-controller
    endpointslice-controller endpointslice-mirroring-controller ephemeral-volume-controller
    garbage-collector-controller horizontal-pod-autoscaler-controller job-controller
    kube-apiserver-serving-clustertrustbundle-publisher-controller legacy-serviceaccount-token-cleaner-controller
    namespace-controller node-ipam-controller node-lifecycle-controller node-route-controller
    persistentvolume-attach-detach-controller persistentvolume-binder-controller persistentvolume-expander-controller
    persistentvolume-protection-controller persistentvolumeclaim-protection-controller
    pod-garbage-collector-controller podcertificaterequest-cleaner-controller replicaset-controller
    replicationcontroller-controller resourceclaim-controller resourcequota-controller
    root-ca-certificate-publisher-controller selinux-warning-controller service-cidr-controller service-lb-controller
    serviceaccount-controller serviceaccount-token-controller statefulset-controller
    storage-version-migrator-controller storageversion-garbage-collector-controller taint-eviction-controller
    token-cleaner-controller ttl-after-finished-controller ttl-controller
    validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller
"""
"""As the help of upstream's `--controllers` lists them (1.35)."""
OLD_LIST = """
    attachdetach bootstrapsigner cloud-node-lifecycle clusterrole-aggregation cronjob csrapproving csrcleaner csrsigning
    daemonset deployment disruption endpoint endpointslice endpointslicemirroring ephemeral-volume garbagecollector
    horizontalpodautoscaling job legacy-service-account-token-cleaner namespace nodeipam nodelifecycle
    persistentvolume-binder persistentvolume-expander podgc pv-protection pvc-protection replicaset
    replicationcontroller resource-claim-controller resourcequota root-ca-cert-publisher route service serviceaccount
    serviceaccount-token statefulset storage-version-gc tokencleaner ttl ttl-after-finished
"""
"""As it lists them up to 1.27."""
UPSTREAM, OLD = UPSTREAM_LIST.split(), OLD_LIST.split()


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


@pytest.mark.parametrize("name", [*UPSTREAM, *OLD])
def test_every_name_of_upstream_can_be_turned_off(name: str) -> None:
    registry = built_in_controllers()
    left = {registration.name for registration in registry.select(["*", f"-{name}"])}
    assert left == {r.name for r in registry if r.is_default} - {ALIASES.get(name, name)}


def test_every_name_of_upstream_runs_or_says_where_it_does() -> None:
    registry = built_in_controllers()
    for name in UPSTREAM:
        if name in ELSEWHERE:
            with pytest.raises(UserError, match=f'controller "{name}" does not run here: '):
                registry.select([name])
        else:
            assert [registration.name for registration in registry.select([name])] == [name]


def test_off_by_default_is_what_is_off_upstream_or_not_upstreams_manager() -> None:
    assert OFF_BY_DEFAULT - set(OF_API_SERVER) == {"bootstrap-signer-controller", "token-cleaner-controller"}
    ours = {name for name, _ in BUILT_IN} - set(UPSTREAM)
    assert ours == {*OF_API_SERVER, "csi-drivers-controller"}


def test_turning_everything_off_by_a_star_is_a_mistake(registry: ControllerRegistry) -> None:
    with pytest.raises(UserError, match="no controller"):
        registry.select(["-*"])
