"""Variables that a container starts with and another has written."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.node.containers.env_files import EnvFileError, parse
from cloudk8s.node.containers.environment import ConfigurationError, Sources, environment, referenced_files
from cloudk8s.node.containers.fields import PodFacts

TEXT = "# words\nGREETING='good morning' # at dawn\n\n  LONG='one\n# two'\nGREETING='good night'\n"


def test_assignments_are_read_and_the_later_wins() -> None:
    assert parse(TEXT) == {"GREETING": "good night", "LONG": "one\n# two"}
    assert parse("") == {}


@pytest.mark.parametrize(("text", "line"), [("A=1", 1), ("A='1'\nB='", 2), ("A='1' B='2'", 1), ("1A=''", 1)])
def test_what_is_no_assignment_is_refused(text: str, line: int) -> None:
    with pytest.raises(EnvFileError, match=f"line {line} "):
        parse(text)


def variable(key: str, path: str = "env", **fields: Any) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": path, "key": key, **fields}}}


def found(entry: dict[str, Any]) -> dict[str, str]:
    container = {"name": "c", "env": [entry]}
    assert len(referenced_files(container)) == 1
    sources = Sources(files={("v", "env"): TEXT, ("v", "bad"): "A=1", ("v", "none"): None})
    pod = {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [container]}}
    return environment(pod, container, sources, PodFacts())


def test_a_variable_comes_from_the_file() -> None:
    assert found(variable("GREETING")) == {"X": "good night"}
    assert found(variable("OTHER", optional=True)) == {}
    assert found(variable("GREETING", "none", optional=True)) == {}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (variable("OTHER"), "couldn't find key OTHER in file env of volume v"),
        (variable("GREETING", "none"), "file none of volume v: no such file"),
        (variable("GREETING", "bad"), "couldn't parse env file: file bad of volume v: line 1 is not NAME='value'"),
    ],
)
def test_what_is_missing_is_named(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        found(entry)
