"""The name table: which strategy a built-in kind has."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from cloudk8s.api.strategies.config_map import ConfigMapStrategy
from cloudk8s.api.strategies.deployment import DeploymentStrategy
from cloudk8s.api.strategies.job import JobStrategy
from cloudk8s.api.strategies.namespace import NamespaceStrategy
from cloudk8s.api.strategies.node import NodeStrategy
from cloudk8s.api.strategies.pod.strategy import PodStrategy
from cloudk8s.api.strategies.replica_set import ReplicaSetStrategy
from cloudk8s.api.strategies.secret import SecretStrategy
from cloudk8s.api.strategies.service import ServiceStrategy
from cloudk8s.api.strategies.service_account import ServiceAccountStrategy
from cloudk8s.api.strategy import Strategies, Strategy


@cache
def strategies() -> Strategies:
    """Every built-in kind's strategy, by group and kind; stateless, shared by all callers."""
    table: dict[tuple[str, str], Strategy] = {
        ("", "ConfigMap"): ConfigMapStrategy(),
        ("", "Namespace"): NamespaceStrategy(),
        ("", "Node"): NodeStrategy(),
        ("", "Pod"): PodStrategy(),
        ("", "Secret"): SecretStrategy(),
        ("", "Service"): ServiceStrategy(),
        ("", "ServiceAccount"): ServiceAccountStrategy(),
        ("apps", "Deployment"): DeploymentStrategy(),
        ("apps", "ReplicaSet"): ReplicaSetStrategy(),
        ("batch", "Job"): JobStrategy(),
    }
    return MappingProxyType(table)
