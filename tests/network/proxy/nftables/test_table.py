"""Transactions are run by a small model of nftables that refuses what the kernel would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.network.proxy.model import Rule, RuleKey
from cloudk8s.network.proxy.nftables.table import Table
from tests.network.objects import rule

PODS = ("10.244.0.0/16", "fd00:244::/56")


class Kernel:
    """Sets, maps and chains of one table, with the kernel's rules about order."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, str]] = {}
        self.chains: dict[str, list[str]] = {}

    def run(self, lines: Iterable[str]) -> None:
        for line in lines:
            verb, kind, _, _, rest = ([*line.split(" ", 4), ""])[:5]
            name, _, body = rest.partition(" ")
            getattr(self, f"{verb}_{kind}")(name, body)

    def add_table(self, name: str, body: str) -> None: ...

    def delete_table(self, name: str, body: str) -> None:
        self.__init__()  # type: ignore[misc]

    def add_set(self, name: str, body: str) -> None:
        assert name not in self.containers
        self.containers[name] = {}

    add_map = add_set

    def delete_set(self, name: str, body: str) -> None:
        assert not any(f"@{name} " in text for rules in self.chains.values() for text in rules)
        del self.containers[name]

    def add_chain(self, name: str, body: str) -> None:
        self.chains.setdefault(name, [])

    def flush_chain(self, name: str, body: str) -> None:
        self.chains[name].clear()

    def delete_chain(self, name: str, body: str) -> None:
        assert not self.chains[name], f"{name} has rules"
        users = [text for rules in self.chains.values() for text in rules]
        users += [verdict for entries in self.containers.values() for verdict in entries.values()]
        assert not any(name in _targets(text) for text in users), f"{name} is in use"
        del self.chains[name]

    def add_rule(self, name: str, body: str) -> None:
        assert all(target in self.chains for target in _targets(body)), body
        assert all(used in self.containers for used in re.findall(r"@(\S+)", body)), body
        self.chains[name].append(body)

    def add_element(self, name: str, body: str) -> None:
        for entry in body.strip("{} ").split(", "):
            key, _, verdict = entry.partition(" : ")
            assert key not in self.containers[name], f"{key} is there"
            assert all(target in self.chains for target in _targets(verdict))
            self.containers[name][key] = verdict

    def delete_element(self, name: str, body: str) -> None:
        for key in body.strip("{} ").split(", "):
            del self.containers[name][key]


def _targets(text: str) -> list[str]:
    return re.findall(r"(?:goto|jump) ([^\s,]+)", text)


backends = st.lists(
    st.tuples(st.sampled_from([f"10.244.0.{n}" for n in range(1, 5)]), st.just(8080)), max_size=3, unique=True
)
rules = st.builds(
    rule,
    st.sampled_from(["web", "api", "db"]),
    backends=backends,
    local=backends,
    protocol=st.sampled_from(["TCP", "UDP"]),
    cluster_ip=st.sampled_from(["10.96.0.7", "10.96.0.8"]),
    port=st.sampled_from([80, 81]),
    node_port=st.sampled_from([0, 30080, 30081]),
    external_ips=st.sampled_from([(), ("192.0.2.1",)]),
    load_balancer_ips=st.sampled_from([(), ("203.0.113.1",)]),
    source_ranges=st.sampled_from([(), ("198.51.100.0/24",)]),
    affinity_seconds=st.sampled_from([0, 10, 20]),
    is_internal_local=st.booleans(),
    is_external_local=st.booleans(),
)
steps = st.lists(st.one_of(rules, rules.map(lambda item: item.key)), max_size=12)


@settings(max_examples=300, deadline=None)
@given(steps=steps)
def test_changes_one_by_one_end_where_a_rebuild_does(steps: list[Rule | RuleKey]):
    kernel, table, wanted = Kernel(), Table("t", "IPv4", PODS), {}
    kernel.run(table.rebuild({}))
    for step in steps:
        if isinstance(step, Rule):
            wanted[step.key] = step
            kernel.run(table.change({step.key: step}, ()))
        else:
            wanted.pop(step, None)
            kernel.run(table.change({}, [step]))
    fresh = Kernel()
    fresh.run(Table("t", "IPv4", PODS).rebuild(wanted))
    assert kernel.containers == fresh.containers
    assert kernel.chains == fresh.chains


def test_nothing_changes_for_an_equal_rule():
    table = Table("t", "IPv4", PODS)
    table.rebuild({rule().key: rule()})
    assert table.change({rule().key: rule()}, ()) == []


def test_a_new_backend_costs_a_few_lines_among_many_services():
    table = Table("t", "IPv4", PODS)
    many = {item.key: item for item in (rule(f"s{n}", cluster_ip=f"10.96.{n // 250}.{n % 250}") for n in range(1000))}
    table.rebuild(many)
    changed = rule("s7", cluster_ip="10.96.0.7", backends=[("10.244.0.5", 8080), ("10.244.9.9", 8080)])
    assert len(table.change({changed.key: changed}, ())) <= 5


def test_services_without_endpoints_are_refused_and_with_endpoints_elsewhere_dropped():
    kernel = Kernel()
    table = Table("t", "IPv4", PODS)
    kernel.run(table.rebuild({rule().key: rule(backends=())}))
    assert kernel.containers["no-endpoint-services"] == {"10.96.0.7 . tcp . 80": "goto reject-connection"}
    kernel.run(table.change({rule().key: rule(is_internal_local=True)}, ()))
    assert kernel.containers["no-endpoint-services"] == {"10.96.0.7 . tcp . 80": "drop"}
