from __future__ import annotations

import pytest

from cloudk8s.api.validation import names


@pytest.mark.parametrize("name", ["a", "web-1", "a" * 63, "0x"])
def test_labels_accept(name: str) -> None:
    assert names.dns_label(name) == []


def test_a_subdomain_where_a_label_is_wanted_is_told_about_dots() -> None:
    assert names.dns_label("a.b") == ["must not contain dots"]


def test_lengths_are_counted_once_for_each_rule() -> None:
    assert names.dns_label("a" * 64) == ["must be no more than 63 characters"]
    assert names.label_value("a" * 64) == ["must be no more than 63 bytes"]


@pytest.mark.parametrize("key", ["app", "app.kubernetes.io/name", "A_b.c"])
def test_qualified_names_accept(key: str) -> None:
    assert names.qualified_name(key) == []


def test_an_empty_qualified_name_breaks_two_rules() -> None:
    first, second = names.qualified_name("")
    assert first == "name part must be non-empty"
    assert second.startswith("name part must consist of alphanumeric characters")


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("http", []),
        ("123", ["must contain at least one letter (a-z)"]),
        ("a--b", ["must not contain consecutive hyphens"]),
        ("-a", ["must not begin or end with a hyphen"]),
    ],
)
def test_port_names(name: str, messages: list[str]) -> None:
    assert names.port_name(name) == messages


@pytest.mark.parametrize(("name", "fine"), [("PATH", True), ("a.b-c d", True), ("a=b", False), ("é", False)])
def test_environment_variables_are_printable_ascii(name: str, fine: bool) -> None:
    assert (names.environment_variable(name) == []) is fine
