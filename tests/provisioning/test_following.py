"""What a cluster file says is followed, or refused with its field; a cluster that is there goes on as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.errors import FieldError
from cloudk8s.plugin import Plugins
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.following import check_followed
from cloudk8s.provisioning.site import Site, open_site


@pytest.fixture
def host(tmp_path: Path) -> Site:
    return open_site(Plugins.load(), "local", {"directory": str(tmp_path)}, "demo")


def declared(**fields: Any) -> ClusterDeclaration:
    return declare({"name": "demo", "provider": "local", **fields}, "test")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"pools": [{"spot": True}]}, "pools[0].spot: local has no spare capacity"),
        ({"pools": [{"scalingGroup": True}]}, "pools[0].scalingGroup: local has no groups"),
        ({"pools": [{"rootVolumeGiB": 9}]}, "pools[0].rootVolumeGiB: local does not size"),
        ({"controlPlane": {"image": "ami-1"}}, "controlPlane.image: local has no choice of images"),
        ({"pools": [{"name": "a"}, {"name": "b", "type": "m7i.large"}]}, "pools[1].type: local has no such type, only"),
        ({"network": {"nat": "none"}}, "network.nat: local has no NAT gateways"),
        ({"network": {"api": {"scheme": "internal"}}}, "network.api.scheme: local does not choose"),
        ({"network": {"api": {"sourceRanges": ["192.0.2.0/24"]}}}, "network.api.sourceRanges: local does not restrict"),
        ({"network": {"sshSourceRanges": ["192.0.2.0/24"]}}, "network.sshSourceRanges: local does not restrict"),
        ({"network": {"nodePortSourceRanges": ["0.0.0.0/0"]}}, "network.nodePortSourceRanges: local does not"),
        ({"network": {"options": {"mtu": 9000}}}, "network.options.mtu: local knows no such option"),
    ],
)
def test_hosts_within_this_host_refuse_what_they_can_not_follow(host: Site, entry: dict[str, Any], said: str) -> None:
    with pytest.raises(FieldError, match=re.escape(said)):
        check_followed(host, declared(**entry))


def test_what_they_follow_is_let_through(host: Site) -> None:
    check_followed(
        host,
        declared(
            network={"cidr": "10.9.0.0/16", "zoneCount": 1},
            pools=[{"type": "host", "labels": {"a": "b"}, "tags": {"c": "d"}, "options": {"note": "another template"}}],
        ),
    )


def test_a_cluster_that_is_there_goes_on_as_it_was_and_takes_nothing_new_of_the_kind(host: Site) -> None:
    before = declared(pools=[{"name": "a", "spot": True}])
    check_followed(host, before, before)
    check_followed(host, declared(pools=[{"name": "first"}, {"name": "a", "spot": True, "replicas": 3}]), before)
    with pytest.raises(FieldError, match=re.escape("pools[1].spot")):
        check_followed(host, declared(pools=[{"name": "a", "spot": True}, {"name": "b", "spot": True}]), before)
