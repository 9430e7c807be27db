"""What a cluster that crashed left in the kernel: taken away by the next `up`, or by `down`."""

from __future__ import annotations

import contextlib
from pathlib import Path

from cloudk8s.controlplane.host.local_cloud import LOCAL, local_settings
from cloudk8s.controlplane.host.network import policy_table, proxy_options
from cloudk8s.controlplane.host.places import remove_hosts
from cloudk8s.controlplane.host.ranges import FILE, with_ranges
from cloudk8s.network.nftables.command import NftError, find_nft
from cloudk8s.network.privileges import may_administer
from cloudk8s.network.proxy.nftables.layout import word
from cloudk8s.plugin import Plugins
from cloudk8s.settings import ClusterSettings


def remove_leftovers(name: str, directory: Path, *, has_hosts: bool) -> None:
    """Remove tables, addresses and routes of a cluster that does not run. Blocks; without root there are none.

    `has_hosts` leaves the hosts of its nodes, where containers live that a stopped cluster keeps.
    """
    if not may_administer() or not (directory / FILE).exists():
        return
    settings = with_ranges(ClusterSettings(name=name, data_dir=directory))
    if (nft := find_nft()) is not None:
        options = proxy_options(settings, [])
        for family in options.families:
            for table in (options.table, policy_table(options)):
                with contextlib.suppress(NftError):
                    nft.run(f"delete table {word(family)} {table}")
    if not has_hosts:
        remove_hosts(settings)
    plugins = Plugins.load()
    cloud = plugins.cloud(LOCAL, LOCAL, local_settings(settings, [], None), cluster=name)
    balancers = plugins.load_balancers(cloud)
    if close := getattr(balancers, "close", None):
        close()
