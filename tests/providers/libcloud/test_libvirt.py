"""Libcloud's libvirt driver on libvirt's own test hypervisor, which needs neither a daemon nor root."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cloudk8s.plugin import NodeRef
from cloudk8s_libcloud.driver import Driver
from cloudk8s_libcloud.instances import LibcloudInstances
from cloudk8s_libcloud.settings import LibcloudSettings

DEBIAN = "/usr/lib/python3/dist-packages"


@pytest.fixture(scope="module", autouse=True)
def libvirt() -> Iterator[Any]:
    """Debian's module, which an environment of this very Python version can load."""
    sys.path.append(DEBIAN)
    try:
        yield pytest.importorskip("libvirt", reason="needs Debian's python3-libvirt (and libvirt0)")
    finally:
        sys.path.remove(DEBIAN)


@pytest.fixture
def driver() -> Driver:
    return Driver(LibcloudSettings(driver="libvirt", options={"uri": "test:///default"}))


def test_domains_are_instances(driver: Driver) -> None:
    instances = LibcloudInstances(driver, cloud="lab")
    found = instances.describe([NodeRef("test"), NodeRef("stranger")])
    assert list(found) == ["test"]
    assert found["test"].state == "present"
    assert found["test"].provider_id.startswith("libcloud://lab/")


def test_a_domain_that_is_shut_off_is_shut_down(driver: Driver) -> None:
    instances = LibcloudInstances(driver, cloud="lab")
    node = NodeRef("test", provider_id=instances.describe([NodeRef("test")])["test"].provider_id)
    driver.call("stop", lambda inner: inner.stop_node(inner.list_nodes()[0]))
    assert instances.describe([node])["test"].state == "shutdown"
