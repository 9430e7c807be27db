"""What a change makes the forwarder tell the kernel, in both families."""

from __future__ import annotations

from cloudk8s.network.proxy.model import Update
from cloudk8s.network.proxy.nftables.forwarder import NftablesForwarder, NftablesSettings
from tests.network.objects import rule


class Recorder:
    """Remembers transactions."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def run(self, commands: str) -> str:
        self.said.append(commands)
        return ""


async def test_ranges_of_services_go_to_both_families_and_stay_until_they_change():
    nft = Recorder()
    forwarder = NftablesForwarder(nft, NftablesSettings("t", ("IPv4", "IPv6")))
    await forwarder.apply(Update(is_complete=True, service_ranges=("10.96.0.0/16", "fd00:96::/112")))
    assert "add element ip t service-cidrs { 10.96.0.0/16 }\n" in nft.said[-1]
    assert "add element ip6 t service-cidrs { fd00:96::/112 }\n" in nft.said[-1]
    await forwarder.apply(Update({rule().key: rule()}))
    assert "service-cidrs" not in nft.said[-1]
    await forwarder.apply(Update(service_ranges=("10.96.0.0/16",)))
    assert nft.said[-1] == "delete element ip6 t service-cidrs { fd00:96::/112 }\n"
