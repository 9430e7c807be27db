"""Declarations as tags."""

from __future__ import annotations

import pytest

from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.record import MOST, VALUE, from_tags, to_tags
from tests.provisioning.harness import declaration, workers


def test_a_declaration_survives_its_tags() -> None:
    declared = declaration(pools=workers(3, labels={"tier": "web"}), tags={"team": "a"})
    tags = to_tags(declared)
    assert len(tags) == 1
    assert from_tags(tags, {}) == declared


def test_values_fit_into_tags() -> None:
    import hashlib

    labels = {f"label-{number}": hashlib.sha256(str(number).encode()).hexdigest() for number in range(40)}
    tags = to_tags(declaration(pools=workers(1, labels=labels)))
    assert 1 < len(tags) <= MOST
    assert all(len(value) <= VALUE for value in tags.values())
    assert from_tags(tags, {}) is not None


def test_settings_are_never_written_down() -> None:
    declared = declaration(settings={"secret_access_key": "hunter2"})
    found = from_tags(to_tags(declared), {"region": "x"})
    assert found is not None
    assert found.settings == {"region": "x"}


def test_what_was_edited_is_as_good_as_none() -> None:
    tags = to_tags(declaration())
    assert from_tags({name: value[:-5] + "AAAAA" for name, value in tags.items()}, {}) is None
    assert from_tags({}, {}) is None


def test_too_much_is_refused() -> None:
    import hashlib

    labels = {hashlib.sha256(bytes([n])).hexdigest(): hashlib.sha256(bytes([n, 1])).hexdigest() for n in range(200)}
    with pytest.raises(CloudK8sError, match="too large"):
        to_tags(declaration(pools=workers(1, labels=labels)))


def test_what_was_declared_before_is_remembered_once() -> None:
    first, second = declaration(pools=workers(1)), declaration(pools=workers(2))
    found = from_tags(to_tags(second.after(first.after(second))), {})
    assert found == second
    assert found is not None
    assert found.previous == first
    assert found.previous is not None
    assert found.previous.previous is None


def test_what_was_before_gives_way_where_there_is_no_room() -> None:
    import hashlib

    labels = {f"label-{number}": hashlib.sha256(str(number).encode()).hexdigest() for number in range(70)}
    other = {key: value[::-1] for key, value in labels.items()}
    declared = declaration(pools=workers(1, labels=labels)).after(declaration(pools=workers(1, labels=other)))
    found = from_tags(to_tags(declared), {})
    assert found == declared
    assert found is not None
    assert found.previous is None
