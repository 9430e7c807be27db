import pytest

from cloudk8s.machinery.apply import path_element
from cloudk8s.machinery.apply.path_element import PathElementError


def test_keys_are_sorted_and_compact() -> None:
    assert path_element.of_key({"protocol": "TCP", "port": 80}) == 'k:{"port":80,"protocol":"TCP"}'
    assert path_element.of_value("a") == 'v:"a"'


def test_elements_are_described_as_in_messages() -> None:
    path = ["f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', 'v:"a"', "v:1", "i:0"]
    assert path_element.describe_path(path) == '.spec.ports[port=80,protocol="TCP"][="a"][=1][0]'


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("f:a b", "f:a b"), ('k:{ "b": 1, "a": "x" }', 'k:{"a":"x","b":1}'), ('v: "x"', 'v:"x"'), ("i:3", "i:3")],
)
def test_other_spellings_become_the_one(given: str, canonical: str) -> None:
    assert path_element.canonical(given) == canonical


@pytest.mark.parametrize("text", ["", "f", "x:1", "k:[]", "k:{", "i:x", "foo:bar"])
def test_what_is_no_element_is_refused(text: str) -> None:
    with pytest.raises(PathElementError):
        path_element.canonical(text)
