"""Cluster files: defaults, and errors that name line, field and a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.errors import FieldError, SettingsError
from cloudk8s.provisioning.declaration.reading import locating, read_file, read_text


def error_of(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read_text(text, "cluster.yaml")
    return str(caught.value)


def test_name_and_provider_are_enough() -> None:
    cluster = read_text("name: demo\nprovider: aws\n", "cluster.yaml")
    assert cluster.control_plane.replicas == 1
    assert [(pool.name, pool.replicas) for pool in cluster.pools] == [("workers", 1)]
    assert cluster.compact() == {"name": "demo", "provider": "aws"}


def test_a_misspelt_field_is_told_with_its_line_and_what_was_meant() -> None:
    text = "name: demo\nprovider: aws\npools:\n- name: a\n  replica: 3\n"
    assert error_of(text) == "cluster.yaml:5: pools[0].replica: there is no such field; did you mean 'replicas'?"


def test_every_mistake_is_told() -> None:
    text = "name: Demo\nproviderr: aws\n"
    lines = error_of(text).splitlines()
    assert lines[0].startswith("cluster.yaml:1: name: ")
    assert "cluster.yaml: provider: this field is needed" in error_of(text).replace(":1: provider", ": provider")
    assert lines[-1] == "cluster.yaml:2: providerr: there is no such field; did you mean 'provider'?"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("controlPlane: {replicas: 2}", "controlPlane.replicas: 2 machines tolerate no more failures than 1"),
        ("network: {cidr: 10.244.0.0/12}", "network.cidr: '10.244.0.0/12' is not a range of addresses"),
        ("network: {cidr: 10.244.0.0/14}", "network: cidr 10.244.0.0/14 and podCidrs 10.244.0.0/16 overlap"),
        ("pools: [{name: a}, {name: a}]", "pool a is declared twice"),
        ("pools: [{min: 3, max: 2}]", "min 3 is more than max 2"),
        ("pools: [{rollout: {maxSurge: 0, maxUnavailable: 0%}}]", "can't both be 0"),
        ("tags: {Name: x}", "tag 'Name' says whose things are and can't be set"),
        ("kubernetesVersion: '2.0'", "kubernetesVersion"),
    ],
)
def test_what_cannot_work_is_refused(body: str, expected: str) -> None:
    assert expected in error_of(f"name: demo\nprovider: aws\n{body}\n")


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    assert error_of("name: [").startswith("cluster.yaml:1: ")
    assert "is a mapping" in error_of("- a\n")


def test_a_version_may_be_written_as_a_number() -> None:
    assert read_text("name: demo\nprovider: aws\nkubernetesVersion: 1.36\n", "f").version == "1.36"


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_file(tmp_path / "none.yaml")


def test_what_is_refused_later_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("name: demo\nprovider: libcloud\npools:\n- name: a\n- name: b\n  zones: [z]\n")
    with pytest.raises(SettingsError, match=r"cluster\.yaml:6: pools\[1\]\.zones: no"), locating(path):
        raise FieldError("pools[1].zones", "no")
    with pytest.raises(SettingsError, match=r"cluster\.yaml: network\.zones: no"), locating(path):
        raise FieldError("network.zones", "no")
