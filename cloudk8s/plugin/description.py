"""What `plugin list` and `provider describe` show."""

from __future__ import annotations

from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, Literal

from cloudk8s.plugin.discovery import Candidate
from cloudk8s.plugin.failure import PluginError

if TYPE_CHECKING:
    from cloudk8s.cloud.model.cloud import Cloud
    from cloudk8s.plugin.manager import Plugins

PluginStatus = Literal["loaded", "disabled", "failed"]
CONTRACTS = ("instances", "routes", "load_balancers", "machines", "networks", "volumes")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One row of `plugin list`."""

    name: str
    status: PluginStatus
    distribution: str = ""
    version: str = ""
    module: str = ""
    hooks: tuple[str, ...] = ()
    error: str = ""

    @staticmethod
    def loaded(candidate: Candidate, hooks: tuple[str, ...]) -> PluginInfo:
        return PluginInfo(candidate.name, "loaded", candidate.distribution, candidate.version, candidate.target, hooks)

    @staticmethod
    def disabled(name: str) -> PluginInfo:
        return PluginInfo(name, "disabled")

    @staticmethod
    def failed(failure: PluginError) -> PluginInfo:
        return PluginInfo(failure.plugin, "failed", failure.distribution, error=failure.reason)


def describe_provider(plugins: Plugins, cloud: Cloud[Any]) -> dict[str, Any]:
    """The contracts that a provider offers with these settings, each with its declared capabilities."""
    described: dict[str, Any] = {}
    for name in CONTRACTS:
        contract = getattr(plugins, name)(cloud)
        described[name] = None if contract is None else _plain(contract.capabilities)
    return described


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in asdict(value).items()}
    if isinstance(value, (frozenset, set)):
        return sorted((_plain(item) for item in value), key=str)
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
