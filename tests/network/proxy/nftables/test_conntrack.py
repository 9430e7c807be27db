from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from cloudk8s.network.proxy.nftables.conntrack import Conntrack, Flows, wrong_flows
from tests.network.netns import namespaces, needs_root
from tests.network.objects import rule

DATAGRAMS = rule(protocol="UDP", backends=[("10.244.0.5", 53), ("10.244.0.6", 53)], port=53, node_port=30053)


def test_flows_to_a_backend_that_is_gone_are_wrong():
    fewer = replace(DATAGRAMS, cluster=DATAGRAMS.cluster[1:])
    assert wrong_flows(DATAGRAMS, fewer) == [Flows("10.96.0.7", 53, "10.244.0.5"), Flows("", 30053, "10.244.0.5")]
    assert len(wrong_flows(DATAGRAMS, None)) == 4


def test_flows_that_began_before_there_was_a_backend_are_wrong():
    assert wrong_flows(None, DATAGRAMS) == [Flows("10.96.0.7", 53, ""), Flows("", 30053, "")]
    assert wrong_flows(replace(DATAGRAMS, cluster=()), DATAGRAMS) == wrong_flows(None, DATAGRAMS)


def test_new_backends_and_connections_leave_nothing_wrong():
    assert wrong_flows(replace(DATAGRAMS, cluster=DATAGRAMS.cluster[1:]), DATAGRAMS) == []
    assert wrong_flows(rule(), None) == []


@pytest.mark.root
@needs_root
def test_only_the_wrong_flows_are_deleted():
    if not (program := Conntrack.find()._program):
        pytest.skip("conntrack is not installed")
    with namespaces("flows") as (host,):
        for client in (1001, 1002):
            add = f"-I -p udp -t 60 -s 192.0.2.9 -d 10.96.0.7 --sport {client} --dport 53"
            add += f" --dst-nat 10.244.0.{client - 996}:53"
            host.do(lambda words=add: subprocess.run([program, *words.split()], check=True, capture_output=True))
        host.do(lambda: Conntrack(program).delete([Flows("10.96.0.7", 53, "10.244.0.5"), Flows("", 9, "10.244.0.9")]))
        left = host.do(lambda: subprocess.run([program, "-L"], capture_output=True, text=True).stdout)
        assert "src=10.244.0.6" in left
        assert "src=10.244.0.5" not in left
