"""The forwarder that fulfils rules in the kernel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloudk8s.network.hosts.thread import HostThread
from cloudk8s.network.nftables.command import Nft, NftError
from cloudk8s.network.nftables.table import Table
from cloudk8s.network.proxy.model import Family, Rule, RuleKey, Update
from cloudk8s.network.proxy.nftables import layout
from cloudk8s.network.proxy.nftables.conntrack import Conntrack, Flows, wrong_flows
from cloudk8s.network.proxy.nftables.parts import parts_of, parts_of_ranges


@dataclass(frozen=True, slots=True)
class NftablesSettings:
    """What the tables are called and made of."""

    table: str = "cloudk8s"
    """Name of the table, in each family; whatever has this name belongs to the proxy."""
    families: tuple[Family, ...] = ("IPv4",)
    pod_ranges: tuple[str, ...] = ()
    """Where pods' addresses come from; what comes from elsewhere to a cluster IP is masqueraded."""
    hides_pods: bool = False
    """Also masquerade what pods send to pods through Services, where answers within a bridge would get lost."""


class NftablesForwarder:
    """One thread talks to the kernel, that of the host whose tables these are."""

    def __init__(
        self, nft: Nft, settings: NftablesSettings, *, host: HostThread | None = None,
        conntrack: Conntrack | None = None,
    ) -> None:  # fmt: skip
        self._nft, self._settings = nft, settings
        self._conntrack = conntrack or Conntrack.find()
        self._datagram_rules: dict[RuleKey, Rule] = {}
        self._tables = {family: make_table(settings, family) for family in settings.families}
        self._host = host or HostThread()

    async def start(self) -> None:
        """Remove the tables of an earlier run; the first update makes new ones."""
        await self._host.run(lambda: self._nft.run(self._destroy()))

    async def apply(self, update: Update) -> Sequence[RuleKey]:
        """Apply a change in one transaction for all families."""
        await self._host.run(lambda: self._apply(update))
        return ()

    async def check(self) -> bool:
        """Whether our tables are there and still look into the Service map."""
        return await self._host.run(self._is_whole)

    async def close(self) -> None:
        """Delete the tables."""
        await self._host.run(lambda: self._nft.run(self._destroy()))

    def _apply(self, update: Update) -> None:
        lines: list[str] = []
        for family, table in self._tables.items():
            ranges = self._settings.pod_ranges
            parts = {key: parts_of(rule, ranges) for key, rule in update.rules.items() if key.family == family}
            if update.service_ranges is not None:
                parts[ranges_key(family)] = parts_of_ranges(update.service_ranges, family)
            if update.is_complete:
                lines += table.rebuild(parts)
            else:
                lines += table.change(parts, [key for key in update.removed if key.family == family])
        if lines:
            self._nft.run(_text(lines))
        self._conntrack.delete(self._wrong_flows(update))

    def _wrong_flows(self, update: Update) -> list[Flows]:
        known, self._datagram_rules = self._datagram_rules, dict(self._datagram_rules)
        gone = known.keys() - update.rules.keys() if update.is_complete else update.removed & known.keys()
        for key in gone:
            del self._datagram_rules[key]
        changed = {key: rule for key, rule in update.rules.items() if key.protocol == "UDP"}
        self._datagram_rules |= changed
        if update.is_complete and not known:
            return []
        pairs = [(known[key], None) for key in gone] + [(known.get(key), rule) for key, rule in changed.items()]
        return [flow for old, new in pairs for flow in wrong_flows(old, new)]

    def _destroy(self) -> str:
        return _text(line for table in self._tables.values() for line in table.destroy())

    def _is_whole(self) -> bool:
        try:
            for family in self._tables:
                listed = self._nft.run(f"list chain {layout.word(family)} {self._settings.table} services")
                if f"@{layout.SERVICES}" not in listed:
                    return False
        except NftError:
            return False
        return True


def make_table(settings: NftablesSettings, family: Family) -> Table[RuleKey]:
    """The table of a family, without rules."""
    skeleton = layout.skeleton(settings.table, family, settings.pod_ranges, hides_pods=settings.hides_pods)
    return Table(layout.word(family), settings.table, skeleton)


def ranges_key(family: Family) -> RuleKey:
    """Whose parts the ranges of Services are, among those of ports."""
    return RuleKey("", "", "", "", family)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
