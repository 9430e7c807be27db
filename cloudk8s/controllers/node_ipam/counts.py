"""What is counted of a range, under upstream's names."""

from __future__ import annotations

from typing import Final

from cloudk8s.machinery.instruments import Instruments, exponential

_LABELS: Final = ("clusterCIDR",)


class RangeCounts:
    """The counts of one range."""

    def __init__(self, instruments: Instruments, cidr: str, most: int) -> None:
        prefix = "node_ipam_controller"
        self._cidr, self._most = cidr, most
        self._given = instruments.counter(
            f"{prefix}_cidrset_cidrs_allocations_total", "Counter measuring total number of CIDR allocations.", _LABELS
        )
        self._freed = instruments.counter(
            f"{prefix}_cidrset_cidrs_releases_total", "Counter measuring total number of CIDR releases.", _LABELS
        )
        self._usage = instruments.gauge(
            f"{prefix}_cidrset_usage_cidrs", "Gauge measuring percentage of allocated CIDRs.", _LABELS
        )
        self._tries = instruments.histogram(
            f"{prefix}_cidrset_allocation_tries_per_request", "Number of endpoints added on each Service sync",
            exponential(1, 5, 5), _LABELS,
        )  # fmt: skip
        maximum = instruments.gauge(
            f"{prefix}_cirdset_max_cidrs", "Maximum number of CIDRs that can be allocated.", _LABELS
        )
        maximum.set(most, cidr)

    def tried(self, before: int) -> None:
        """One was looked for, and so many were looked at in vain."""
        self._tries.of(self._cidr).observe(before)

    def changed(self, before: int, now: int) -> None:
        """So many are in use now."""
        if now > before:
            self._given.add(self._cidr, amount=now - before)
        if now < before:
            self._freed.add(self._cidr, amount=before - now)
        self._usage.set(now / self._most, self._cidr)
