"""What user data says to a machine: the content of `machine.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FILE = "machine.json"


class NodeFields(BaseModel):
    """What a node registers with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    labels: dict[str, str] = {}
    """Labels that a node may give itself; others come from the cluster's provisioner."""
    taints: tuple[dict[str, str], ...] = ()
    """Taints of the node."""
    runtime: str = "host"
    """What runs pods: `host` or `cri`."""
    cloud_provider: str = ""
    """`external` where cloud controllers initialize nodes."""


class ClusterFields(BaseModel):
    """What is the same on all machines of a cluster."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    cluster: str
    """The cluster's name."""
    version: str = "1.37"
    """Version of Kubernetes."""
    pod_cidr: str = "10.244.0.0/16"
    """Ranges of pods, comma-separated."""
    service_cidr: str = "10.96.0.0/16"
    """Ranges of Services, comma-separated."""
    machine_cidr: str = "10.0.0.0/16"
    """Where machines have their addresses."""
    domain: str = "cluster.local"
    """DNS domain of the cluster."""
    routes: Literal["machines", "cloud"] = "machines"
    """Who routes pod ranges: the machines themselves, on one network, or the cloud's route tables."""

    @property
    def minor(self) -> str:
        """`1.37` of 1.37.2."""
        return ".".join(self.version.removeprefix("v").split(".")[:2])


class WorkerSettings(BaseModel):
    """A worker: where the API is, how to know it, and what to show it. The rest is asked for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: Literal["worker"] = "worker"
    cluster: str
    names: str
    """The machine's name; those of all that were made together, in the order of their launch index."""
    group: str
    """The pool, under which its configuration is kept."""
    endpoint: str
    """Host and port of the API."""
    pin: str
    """`sha256:` and the digest of the public key of the cluster's authority."""
    secret: str = Field(repr=False)
    """What the machine's token is derived from."""


class Management(BaseModel):
    """Where the machines are that a cluster looks after itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    provider: str
    """The provider that made it."""
    settings: dict[str, Any] = {}
    """The provider's settings, without secrets: machines have an identity of their own."""


class ControlPlaneSettings(ClusterFields):
    """A machine of the control plane."""

    role: Literal["control-plane"] = "control-plane"
    name: str
    """The machine's name."""
    seed: str = Field(repr=False)
    """What all secrets of the cluster are derived from, hexadecimal."""
    endpoint: str = ""
    """Host and port where others reach the API; empty is this machine's own address."""
    predecessor: str = ""
    """Address of the machine whose place this one takes."""
    port: int = 6443
    """Port that the API server listens on."""
    store: Literal["sqlite", "etcd"] = "sqlite"
    """Where the cluster's state is: on this machine, or on all of the control plane."""
    is_first: bool = False
    """This machine makes the etcd that others join, unless there is one."""
    load_balancer_range: str = ""
    """Where Services of type LoadBalancer get addresses from, if the machine itself has to provide them."""
    load_balancer_state: str = ""
    """File that all machines see, with who has which of these addresses; empty is one of this machine's own."""
    clouds: tuple[dict[str, Any], ...] = ()
    """Clouds whose controllers run, as in a clouds file."""
    manages: Management | None = None
    """Set where the cluster looks after itself."""
    node: NodeFields = NodeFields()
    """What its node registers with."""


class JoinConfiguration(ClusterFields):
    """What a worker is told by the API."""

    dns: str = ""
    """Address of the cluster's DNS."""
    node: NodeFields = NodeFields()
    """What its node registers with."""


def read(directory: Path) -> ControlPlaneSettings | WorkerSettings:
    """The settings in a machine's directory."""
    from cloudk8s.errors import SettingsError
    from cloudk8s.machinery import codec

    path = directory / FILE
    try:
        entry = codec.decode(path.read_bytes())
        model = ControlPlaneSettings if entry.get("role") == "control-plane" else WorkerSettings
        return model.model_validate(entry)
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist: a machine's user data writes it") from None
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error
