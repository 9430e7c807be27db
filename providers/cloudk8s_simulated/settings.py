"""Settings of the simulated cloud."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from cloudk8s_simulated.cloud.account import Account


class SimulatedSettings(BaseModel):
    """A cloud in memory, as fast and as reliable as you like."""

    model_config = ConfigDict(extra="forbid")

    region: str = "sim-1"
    """Name of the region."""
    zones: tuple[str, ...] = ("sim-1a", "sim-1b", "sim-1c")
    """Zones that machines and nodes are spread over."""
    any_node: bool = False
    """Nodes that the account has no record of are present; for nodes that are simulated elsewhere."""
    state_file: Path | None = None
    """Where the account is kept between commands; none is memory only."""
    seed: int = 0
    """Makes faults repeatable."""
    latency: float = Field(default=0.0, ge=0)
    """Seconds that every API call takes."""
    throttled: float = Field(default=0.0, ge=0, le=1)
    """Share of calls that are refused for coming too fast."""
    lost: float = Field(default=0.0, ge=0, le=1)
    """Share of calls whose answer is lost."""
    lag: float = Field(default=0.0, ge=0)
    """Seconds until listings show what was made or deleted."""
    ready_after: dict[str, float] = Field(default_factory=dict)
    """Seconds until things are ready, by kind (`balancer: 3`)."""
    limits: dict[str, int] = Field(default_factory=dict)
    """How many things of a kind there may be."""

    _account: Account | None = PrivateAttr(default=None)

    def use(self, account: Account) -> SimulatedSettings:
        """Use this account instead of one made from the settings."""
        self._account = account
        return self

    @property
    def account(self) -> Account | None:
        """The account in use, if one was made or given."""
        return self._account
