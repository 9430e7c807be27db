"""Settings of the local cloud."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from cloudk8s_local.account.account import Account
from cloudk8s_local.host.host import Host


class LocalSettings(BaseModel):
    """This host as a cloud: load balancers are listeners, routes the kernel's."""

    model_config = ConfigDict(extra="forbid")

    load_balancer_range: str = "127.200.0.0/24"
    """Where load balancers get addresses: a range, or one of each family with a comma between them. Outside 127.0.0.0/8
    they are added to the loopback interface, as root."""
    state_file: Path | None = None
    """Which Service has which address, kept between starts; none is memory only."""
    nodes: dict[str, str] = Field(default_factory=dict)
    """The nodes on this host: name and address, or one of each family, with a comma between them."""
    directory: Path | None = None
    """Where machines, networks and volumes are remembered and have their files; the user's data directory if unset. A
    cluster whose nodes are such machines is told the one that they are in."""
    own_addresses: tuple[str, ...] = ()
    """Addresses of this host itself; nodes that have another one are reached by routes."""
    route_ranges: tuple[str, ...] = ()
    """Where this cluster's pods have addresses: only routes to there are this cloud's, for removal too."""
    health_port: int = Field(default=10256, ge=1, le=65535)
    """Where this host's service proxy tells its health."""

    _host: Host | None = PrivateAttr(default=None)
    _account: Account | None = PrivateAttr(default=None)

    def use(self, host: Host) -> LocalSettings:
        """Use this host object instead of one made from the settings."""
        self._host = host
        return self

    def use_account(self, account: Account) -> LocalSettings:
        """Use this account instead of the one in the directory."""
        self._account = account
        return self

    @property
    def account(self) -> Account | None:
        """The account in use, if one was made or given."""
        return self._account

    @property
    def host(self) -> Host | None:
        """The host object in use, if one was made or given."""
        return self._host
