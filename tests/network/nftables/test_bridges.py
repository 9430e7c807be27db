from __future__ import annotations

from pathlib import Path

from cloudk8s.network.nftables.bridges import filter_bridged


def test_the_switches_are_turned_on(tmp_path: Path):
    for name in ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables"):
        (tmp_path / name).write_text("0\n")
    assert filter_bridged(tmp_path)
    assert (tmp_path / "bridge-nf-call-iptables").read_text() == "1"


def test_a_kernel_without_them_is_told(tmp_path: Path):
    assert not filter_bridged(tmp_path)
