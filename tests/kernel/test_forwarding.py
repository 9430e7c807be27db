from __future__ import annotations

from pathlib import Path

from cloudk8s.kernel.forwarding import forward


def sysctls(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def host(root: Path, **heeded: str) -> None:
    (root / "ipv4").mkdir(parents=True)
    (root / "ipv4/ip_forward").write_text("0\n")
    for name, value in {"all": "1", **heeded}.items():
        (root / "ipv6/conf" / name).mkdir(parents=True)
        (root / "ipv6/conf" / name / "accept_ra").write_text(f"{value}\n")
    (root / "ipv6/conf/all/forwarding").write_text("0\n")


def test_ipv4_alone_leaves_ipv6_as_it_is(tmp_path: Path):
    host(tmp_path, eth0="1")
    before = sysctls(tmp_path)
    forward(six=False, sysctls=tmp_path)
    assert sysctls(tmp_path) == before | {"ipv4/ip_forward": "1"}


def test_a_host_that_forwards_ipv6_still_heeds_its_router(tmp_path: Path):
    host(tmp_path, eth0="1", eth1="0")
    forward(six=True, sysctls=tmp_path)
    found = sysctls(tmp_path)
    assert found["ipv6/conf/all/forwarding"] == "1"
    assert (found["ipv6/conf/eth0/accept_ra"], found["ipv6/conf/eth1/accept_ra"]) == ("2", "0\n")
    forward(six=True, sysctls=tmp_path)
    assert sysctls(tmp_path) == found


def test_a_host_without_ipv6_forwards_what_it_has(tmp_path: Path):
    (tmp_path / "ipv4").mkdir()
    (tmp_path / "ipv4/ip_forward").write_text("0")
    forward(six=True, sysctls=tmp_path)
    assert sysctls(tmp_path) == {"ipv4/ip_forward": "1"}
