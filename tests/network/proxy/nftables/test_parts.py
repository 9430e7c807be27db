"""What rules need in the table; transactions are run by a model of nftables."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.network.nftables.parts import Parts
from cloudk8s.network.nftables.table import Table
from cloudk8s.network.proxy.model import Rule, RuleKey
from cloudk8s.network.proxy.nftables.forwarder import NftablesSettings, make_table, ranges_key
from cloudk8s.network.proxy.nftables.parts import parts_of, parts_of_ranges
from tests.network.nftables.kernel import Kernel
from tests.network.objects import rule

PODS = ("10.244.0.0/16", "fd00:244::/56")


def table_of() -> Table[RuleKey]:
    return make_table(NftablesSettings("t", pod_ranges=PODS), "IPv4")


def parts(*rules: Rule) -> dict[RuleKey, Parts]:
    return {item.key: parts_of(item, PODS) for item in rules}


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
    kernel, table, wanted = Kernel(), table_of(), {}
    kernel.run(table.rebuild({}))
    for step in steps:
        if isinstance(step, Rule):
            wanted[step.key] = step
            kernel.run(table.change(parts(step), ()))
        else:
            wanted.pop(step, None)
            kernel.run(table.change({}, [step]))
    fresh = Kernel()
    fresh.run(table_of().rebuild(parts(*wanted.values())))
    assert kernel.containers == fresh.containers
    assert kernel.chains == fresh.chains


def test_nothing_changes_for_an_equal_rule():
    table = table_of()
    table.rebuild(parts(rule()))
    assert table.change(parts(rule()), ()) == []


def test_a_new_backend_costs_a_few_lines_among_many_services():
    table = table_of()
    table.rebuild(parts(*(rule(f"s{n}", cluster_ip=f"10.96.{n // 250}.{n % 250}") for n in range(1000))))
    changed = rule("s7", cluster_ip="10.96.0.7", backends=[("10.244.0.5", 8080), ("10.244.9.9", 8080)])
    assert len(table.change(parts(changed), ())) <= 5


def test_services_without_endpoints_are_refused_and_with_endpoints_elsewhere_dropped():
    kernel = Kernel()
    table = table_of()
    kernel.run(table.rebuild(parts(rule(backends=()))))
    assert kernel.containers["no-endpoint-services"] == {"10.96.0.7 . tcp . 80": "goto reject-connection"}
    kernel.run(table.change(parts(rule(is_internal_local=True)), ()))
    assert kernel.containers["no-endpoint-services"] == {"10.96.0.7 . tcp . 80": "drop"}


def test_ranges_of_services_are_elements_that_come_and_go_one_by_one():
    kernel, table, key = Kernel(), table_of(), ranges_key("IPv4")
    both = ("10.96.0.0/16", "10.120.0.0/24", "fd00:96::/112")
    kernel.run(table.rebuild(parts(rule()) | {key: parts_of_ranges(both, "IPv4")}))
    assert set(kernel.containers["service-cidrs"]) == set(both[:2])
    assert kernel.chains["unallocated"] == ["ct status dnat return", "ip daddr @service-cidrs drop"]
    for name in ("filter-forward", "filter-output"):
        assert 'oifname != "lo" ct state new jump unallocated' in kernel.chains[name]
    assert not any("unallocated" in text for text in kernel.chains["filter-input"])
    lines = table.change({key: parts_of_ranges(both[:1], "IPv4")}, ())
    assert lines == ["delete element ip t service-cidrs { 10.120.0.0/24 }"]


def test_ranges_of_services_go_to_the_table_of_their_family():
    kernel, table = Kernel(), make_table(NftablesSettings("t"), "IPv6")
    kernel.run(table.rebuild({ranges_key("IPv6"): parts_of_ranges(("10.96.0.0/16", "fd00:96::/112"), "IPv6")}))
    assert set(kernel.containers["service-cidrs"]) == {"fd00:96::/112"}
    assert kernel.chains["unallocated"][1] == "ip6 daddr @service-cidrs drop"
