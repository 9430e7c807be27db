"""Settings of the libcloud provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

if TYPE_CHECKING:
    from cloudk8s_libcloud.driver import Driver


class BalancerSettings(BaseModel):
    """A load-balancer driver beside the compute driver."""

    model_config = ConfigDict(extra="forbid")

    driver: str
    """Libcloud's name of the load-balancer driver, such as `elb`, `rackspace`, `cloudstack`, `gce`."""
    key: str = ""
    """As the driver wants it; empty is the compute driver's."""
    secret: SecretStr = SecretStr("")
    """As the driver wants it; empty is the compute driver's."""
    options: dict[str, Any] = Field(default_factory=dict)
    """More arguments of the driver: `region`, `host`, `path` …"""
    create: dict[str, Any] = Field(default_factory=dict)
    """More arguments for each balancer that is made: `subnets`, `network_id`, `ex_region` …"""


class LibcloudSettings(BaseModel):
    """One account that a libcloud driver reaches."""

    model_config = ConfigDict(extra="forbid")

    driver: str
    """Libcloud's name of the compute driver, such as `openstack`, `ec2`, `gce`, `cloudstack`."""
    key: str = ""
    """User name, access key or token, as the driver wants it."""
    secret: SecretStr = SecretStr("")
    """Password or secret key, as the driver wants it."""
    options: dict[str, Any] = Field(default_factory=dict)
    """More arguments of the driver: `region`, `host`, `port`, `secure`, `ex_force_auth_url` …"""
    emulator: bool = False
    """The endpoint is an emulator: put its small deviations right."""
    image: str = ""
    """Id of the image that machines are made from, where a request names none."""
    size: str = ""
    """Id of the size of machines, where a request names none."""
    ssh_public_key: str = ""
    """Who may log in to machines; a key pair of each cluster, where the driver has them."""
    load_balancer: BalancerSettings | None = None
    """The driver for Services of type LoadBalancer; without it, this cloud has none."""

    _driver: Driver | None = PrivateAttr(default=None)

    def use(self, driver: Driver) -> LibcloudSettings:
        """Share this driver."""
        self._driver = driver
        return self

    @property
    def shared(self) -> Driver | None:
        """The driver in use, if one was made or given."""
        return self._driver
