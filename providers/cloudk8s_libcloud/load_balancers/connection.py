"""A load-balancer driver, made when it is first used."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from cloudk8s.plugin import SettingsError
from cloudk8s_libcloud.driver import Driver, made_driver, missing_libcloud
from cloudk8s_libcloud.load_balancers.adapter import Adapter
from cloudk8s_libcloud.load_balancers.traits import BalancerTraits, balancer_traits
from cloudk8s_libcloud.settings import LibcloudSettings


class BalancerDriver(Driver):
    """One account's load balancers, spoken to through an adapter. Calls are made one at a time."""

    def __init__(
        self, settings: LibcloudSettings, compute: Driver, *, prepare: Callable[[Any], None] = lambda driver: None
    ) -> None:
        super().__init__(settings, prepare=prepare)
        assert settings.load_balancer is not None
        self._given = settings.load_balancer
        self._compute = compute
        self.adapter = _adapter(self._given.driver, self.balancing, self._given.create, self._node)

    @property
    def name(self) -> str:
        return self._given.driver

    @property
    def balancing(self) -> BalancerTraits:
        """What this driver can do."""
        return balancer_traits(self._given.driver)

    def _make(self) -> Any:
        given, settings = self._given, self._settings
        driver_class = _class_of(given.driver)
        if given.driver.lower() == "elb":
            from cloudk8s_libcloud.load_balancers.elb import complete_elb

            driver_class = complete_elb(driver_class)
        key, secret = given.key or settings.key, given.secret.get_secret_value() or settings.secret.get_secret_value()
        return made_driver(given.driver, driver_class, (key, secret), given.options)

    def _node(self, address: str) -> Any:
        """The compute node with an address: some drivers attach nothing else."""
        nodes = self._compute.nodes()
        found = [node for node in nodes if address in {*(node.private_ips or ()), *(node.public_ips or ())}]
        if not found:
            raise LookupError(f"NotFound: no compute node has the address {address}")
        return found[0]


def _adapter(driver: str, traits: BalancerTraits, options: Any, node: Callable[[str], Any]) -> Adapter:
    if driver.lower() == "elb":
        from cloudk8s_libcloud.load_balancers.elb import ElbAdapter

        return ElbAdapter(traits, options=options, node=node)
    return Adapter(traits, options=options, node=node)


def _class_of(name: str) -> Any:
    try:
        from libcloud.loadbalancer.providers import DRIVERS, get_driver
    except ImportError as error:
        raise missing_libcloud() from error
    try:
        return get_driver(name)
    except AttributeError as error:
        near = difflib.get_close_matches(name, [str(known) for known in DRIVERS], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"libcloud has no load-balancer driver {name!r}{hint}") from error
