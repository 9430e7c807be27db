import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import names


def test_generated_name_adds_five_characters_of_upstreams_alphabet() -> None:
    assert re.fullmatch("web-[bcdfghjklmnpqrstvwxz2456789]{5}", names.generate_name("web-"))


def test_generated_name_is_cut_to_fit() -> None:
    assert len(names.generate_name("x" * 300)) == 63
    assert len(names.generate_name("x" * 300, max_length=253)) == 253


def test_uids_differ() -> None:
    assert names.new_uid() != names.new_uid()


def test_uids_are_random_uuids() -> None:
    for _ in range(100):
        text = names.new_uid()
        found = uuid.UUID(text)
        assert (str(found), found.version, found.variant) == (text, 4, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (names.dns_label, "a-1"), (names.dns_subdomain, "a.b-c.d"), (names.dns_1035_label, "a1"),
        (names.wildcard_dns_subdomain, "*.a.b"), (names.label_key, "x.example/My_Name"), (names.label_key, "a"),
        (names.label_value, ""), (names.label_value, "A_b.c"), (names.config_key, ".a"),
        (names.environment_name, "A.b"),
        (names.relaxed_environment_name, "1 x"), (names.port_name, "http-2"), (names.path_segment, "system:x"),
        (names.percent, "50%"), (names.http_header_name, "X-A"), (names.c_identifier, "_a1"),
    ],
)  # fmt: skip
def test_good_names_pass(rule: names.NameRule, value: str) -> None:
    assert rule(value) == []


@pytest.mark.parametrize(
    ("rule", "value", "messages"),
    [
        (names.dns_label, "a.b", ["must not contain dots"]),
        (names.dns_label, "Bad_", [
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
            "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]),
        (names.dns_label, "a" * 64, ["must be no more than 63 characters"]),
        (names.dns_subdomain, "a\n", [
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"]),
        (names.label_key, "", ["name part must be non-empty",
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"]),
        (names.label_key, "/x", ["prefix part must be non-empty"]),
        (names.label_key, "k" * 64, ["name part must be no more than 63 bytes"]),
        (names.label_key, "a/b/c", [
            "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
            "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. "
            "'example.com/MyName')"]),
        (names.label_value, "v" * 64, ["must be no more than 63 bytes"]),
        (names.config_key, "..x", ["must not start with '..'"]),
        (names.config_key, ".", ["must not be '.'"]),
        (names.port_name, "123", ["must contain at least one letter (a-z)"]),
        (names.path_segment, "a%b", ["may not contain '%'"]),
        (names.path_segment, "..", ["may not be '..'"]),
        (names.relaxed_environment_name, "a=b",
            ["a valid environment variable name must consist only of printable ASCII characters other than '='"]),
    ],
)  # fmt: skip
def test_bad_names_are_refused_in_upstreams_words(rule: names.NameRule, value: str, messages: list[str]) -> None:
    assert rule(value) == messages


def test_generate_name_base_may_end_in_a_dash() -> None:
    assert names.prefix_rule(names.dns_label)("web-") == []
    assert names.prefix_rule(names.dns_label)("-") != []


def test_port_number_has_a_range() -> None:
    assert names.port_number(80) == []
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True))
def test_name_generated_from_a_label_is_a_label(base: str) -> None:
    assert names.dns_label(names.generate_name(base)) == []
