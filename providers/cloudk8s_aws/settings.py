"""Settings of the AWS provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

if TYPE_CHECKING:
    from cloudk8s_aws.assembly import Aws

IPFamily = Literal["ipv4", "ipv6"]


class AwsSettings(BaseModel):
    """One AWS account and region."""

    model_config = ConfigDict(extra="forbid")

    region: str = "us-east-1"
    """Region; instances elsewhere are left to other clouds."""
    profile: str = ""
    """Named profile of the AWS configuration files; empty follows the SDK's usual order."""
    role_arn: str = ""
    """Role to assume, for another account."""
    access_key_id: str = ""
    """Static credentials; leave empty to let the SDK find them."""
    secret_access_key: SecretStr = SecretStr("")
    """Goes with `access_key_id`."""
    session_token: SecretStr = SecretStr("")
    """Goes with temporary credentials."""
    endpoint_url: str = ""
    """Another endpoint for every API, such as an emulator's."""
    offline: bool = False
    """The endpoint is an emulator: any credentials will do. Needs `endpoint_url`."""
    vpc_id: str = ""
    """VPC of the cluster; empty finds the one with the cluster's tag, else the default VPC."""
    subnet_ids: tuple[str, ...] = ()
    """Subnets for load balancers; empty discovers them by tag."""
    route_table_ids: tuple[str, ...] = ()
    """Route tables for pod ranges, each gets all; empty finds those with the cluster's tag."""
    node_ip_families: tuple[IPFamily, ...] = ("ipv4",)
    """Address families of nodes, in the order that nodes show them."""
    security_group: str = ""
    """A security group for all load balancers, in place of generated ones; never changed, never deleted."""
    node_security_group: str = ""
    """The nodes' security group; empty finds it by the cluster's tag."""
    manage_node_rules: bool = True
    """Let load balancers reach nodes by one rule in the nodes' security group."""
    classic: bool = False
    """Serve Services that ask for a classic load balancer (annotation `type: clb`), and look after those there are."""
    ingress: bool = True
    """Serve Ingresses of class `alb` by application load balancers."""
    target_group_bindings: bool = True
    """Serve `TargetGroupBinding` objects; the custom resource is made where it is not there."""
    health_check: Literal["shared", "per-port"] = "shared"
    """For policy Cluster: `shared` probes the proxy's port 10256, `per-port` the node port."""
    instance_tags: dict[str, str] = Field(default_factory=dict)
    """Put on the instances of all nodes, whoever started them, and taken off when the node goes."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Put on everything that is made."""
    calls_per_second: float = Field(default=20.0, gt=0)
    """Calls to each API a second, on average."""
    burst: int = Field(default=100, gt=0)
    """Calls to each API that may come at once."""

    _parts: Aws | None = PrivateAttr(default=None)

    @property
    def parts(self) -> Aws | None:
        """What was made from these settings, shared by all contracts."""
        return self._parts

    def use(self, parts: Aws) -> AwsSettings:
        """Share these parts."""
        self._parts = parts
        return self

    @model_validator(mode="after")
    def _offline_needs_an_endpoint(self) -> AwsSettings:
        if self.offline and not self.endpoint_url:
            raise ValueError("offline needs endpoint_url")
        return self
