from __future__ import annotations

from pathlib import Path

from cloudk8s.node.runtimes.resolv_conf import of_host


def test_a_resolver_on_the_hosts_loopback_is_passed_over_where_others_are_known(tmp_path: Path):
    own, behind = tmp_path / "resolv.conf", tmp_path / "behind.conf"
    own.write_text("nameserver 127.0.0.53\nsearch example.com\n")
    assert of_host(own, behind=behind).servers == ("127.0.0.53",)
    behind.write_text("nameserver 192.0.2.53\nsearch example.com\n")
    assert of_host(own, behind=behind).servers == ("192.0.2.53",)
    own.write_text("nameserver 192.0.2.1\nnameserver 127.0.0.53\n")
    assert of_host(own, behind=behind).servers == ("192.0.2.1", "127.0.0.53")


def test_a_host_without_a_configuration_has_no_resolvers(tmp_path: Path):
    assert of_host(tmp_path / "resolv.conf", behind=tmp_path / "behind.conf").servers == ()
