from typing import Any

import pytest

from cloudk8s.machinery.apply.compiler import Compiler
from cloudk8s.machinery.apply.type import ABSENT, Type, TypedError
from cloudk8s.machinery.schema import Schema


@pytest.fixture
def type(schema: Schema) -> Type:
    return Compiler().type_of(schema)


_OBJECT: dict[str, Any] = {
    "metadata": {"labels": {"a": "1"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"a": "1"}},
        "containers": [{"name": "main", "ports": [{"port": 80}], "args": ["x"]}],
        "strategy": {},
    },
}


def test_added_value_owns_itself_and_everything_in_it(type: Type) -> None:
    assert type.full(_OBJECT) == {
        ".": {},
        "f:metadata": {".": {}, "f:labels": {".": {}, "f:a": {}}},
        "f:spec": {
            ".": {},
            "f:replicas": {},
            "f:selector": {},
            "f:strategy": {},
            "f:containers": {
                ".": {},
                'k:{"name":"main"}': {
                    ".": {},
                    "f:name": {},
                    "f:args": {},
                    "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
                },
            },
        },
    }


def test_applied_value_owns_leaves_and_items_only(type: Type) -> None:
    assert type.applied(_OBJECT) == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:strategy": {},
            "f:containers": {
                'k:{"name":"main"}': {
                    ".": {},
                    "f:name": {},
                    "f:args": {},
                    "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
                }
            },
        },
    }


@pytest.mark.parametrize(
    ("old", "new", "added", "modified", "removed"),
    [
        ({"data": {"a": "1"}}, {"data": {"a": "2", "b": "1"}}, {"f:data": {"f:b": {}}}, {"f:data": {"f:a": {}}}, None),
        ({"data": {"a": "1"}}, {"data": {}}, None, None, {"f:data": {"f:a": {}}}),
        ({"data": {"a": "1"}}, {"data": None}, None, None, {"f:data": {"f:a": {}}}),
        ({"data": {"a": "1"}}, {}, None, None, {"f:data": {".": {}, "f:a": {}}}),
        ({"data": None}, {"data": {}}, None, {"f:data": {}}, None),
        ({"data": None}, {"data": {"a": "1"}}, {"f:data": {"f:a": {}}}, None, None),
        (
            {"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["c", "a"]}},
            {"f:metadata": {"f:finalizers": {'v:"c"': {}}}}, None, {"f:metadata": {"f:finalizers": {'v:"b"': {}}}},
        ),
        ({"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["b", "a"]}}, None, None, None),
        (
            {"spec": {"selector": {"matchLabels": {"a": "1"}}}}, {"spec": {"selector": {}}},
            None, {"f:spec": {"f:selector": {}}}, None,
        ),
        ({"spec": {"free": {"a": 1}}}, {"spec": {"free": {"a": 2}}}, None, {"f:spec": {"f:free": {"f:a": {}}}}, None),
        (
            {"spec": {"free": 1}}, {"spec": {"free": {"a": 2}}},
            {"f:spec": {"f:free": {"f:a": {}}}}, {"f:spec": {"f:free": {}}}, None,
        ),
        (
            {"spec": {"free": {"a": 2}}}, {"spec": {"free": [1]}},
            None, {"f:spec": {"f:free": {}}}, {"f:spec": {"f:free": {"f:a": {}}}},
        ),
    ],
)  # fmt: skip
def test_comparison_tells_added_modified_and_removed(
    type: Type, old: Any, new: Any, added: Any, modified: Any, removed: Any
) -> None:
    found = type.compare(old, new)
    assert (found.added, found.modified, found.removed) == (added, modified, removed)


def test_items_of_one_identity_are_compared_as_one(type: Type) -> None:
    def differ(old: list[str], new: list[str]) -> Any:
        return type.compare({"metadata": {"finalizers": old}}, {"metadata": {"finalizers": new}})

    node: dict[str, Any] = {"f:metadata": {"f:finalizers": {'v:"a"': {}}}}
    assert differ(["a", "a"], ["a", "a", "b"]).added == {"f:metadata": {"f:finalizers": {'v:"b"': {}}}}
    assert differ(["a"], ["a", "a"]).added == node
    assert differ(["a", "a"], ["a"]).removed == node
    assert differ(["a", "a"], ["a", "a", "a"]).modified == node


def test_list_item_without_keys_cannot_be_walked(type: Type) -> None:
    with pytest.raises(TypedError, match=r'omits all key fields \["name"\]'):
        type.full({"spec": {"containers": [{"image": "x"}]}})


def test_removal_leaves_null_or_nothing_where_a_field_is_emptied(type: Type) -> None:
    value = {"data": {"a": "1", "b": "2"}, "metadata": {"finalizers": ["x", "y"]}}
    assert type.remove(value, {"f:data": {"f:a": {}}}, None) == {
        "data": {"b": "2"},
        "metadata": {"finalizers": ["x", "y"]},
    }
    assert type.remove(value, {"f:data": {"f:a": {}, "f:b": {}}}, None)["data"] is None
    assert "data" not in type.remove(value, {"f:data": {"f:a": {}, "f:b": {}}}, ABSENT)
    assert "data" not in type.remove(value, {"f:data": {}}, None)
    rest = type.remove(value, {"f:metadata": {"f:finalizers": {'v:"x"': {}}}}, None)
    assert rest["metadata"] == {"finalizers": ["y"]}
    assert type.remove(value, {"f:metadata": {}, "f:data": {}}, None) is ABSENT


def test_named_fields_become_members_and_map_entries_do_not(type: Type) -> None:
    assert type.named({"f:spec": {"f:strategy": {"f:type": {}}}, "f:data": {"f:a": {}}}) == {
        "f:spec": {".": {}, "f:strategy": {".": {}, "f:type": {}}},
        "f:data": {".": {}, "f:a": {}},
    }


def test_set_made_before_a_field_became_atomic_is_reduced(type: Type) -> None:
    fields: dict[str, Any] = {"f:spec": {"f:selector": {"f:matchLabels": {"f:a": {}}}, "f:replicas": {}}}
    assert type.reconciled(fields) == {"f:spec": {"f:selector": {}, "f:replicas": {}}}


@pytest.mark.parametrize(
    ("value", "findings"),
    [
        ({"dat": {}}, [(".dat", "field not declared in schema")]),
        ({"data": {"a": 1}}, [(".data.a", "expected string, got &value.valueUnstructured{Value:1}")]),
        ({"data": {"a": {"b": "c"}}}, [(".data.a", "expected string, got &value.valueUnstructured"
                                                   '{Value:map[string]interface {}{"b":"c"}}')]),
        ({"data": []}, [(".data", "expected map, got &{[]}")]),
        ({"spec": {"replicas": "x"}}, [(".spec.replicas", "expected numeric (int or float), got string")]),
        ({"spec": {"paused": "x"}}, [(".spec.paused", "expected boolean, got &{x}")]),
        ({"spec": {"maxSurge": {}}}, [(".spec.maxSurge", "expected any scalar, got &{map[]}")]),
        ({"spec": {"maxSurge": 1}}, []),
        ({"spec": {"replicas": None, "containers": None, "free": {"x": [1]}}}, []),
        ({"spec": {"containers": "x"}}, [(".spec.containers", "expected list, got &{x}")]),
        ({"spec": {"containers": [None]}}, [(".spec.containers", "element 0: associative list with keys may not have "
                                                                 "a null element")]),
        ({"spec": {"containers": [{"image": "x"}]}},
         [(".spec.containers",
           'element 0: associative list with keys has an element that omits all key fields ["name"] '
                               "(and doesn't have default values for any key fields)")]),
        ({"spec": {"containers": [{"name": "a", "ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]}]}},
         [('.spec.containers[name="a"].ports', 'duplicate entries for key [port=80,protocol="TCP"]')]),
        ({"metadata": {"finalizers": ["a", "a"]}}, [(".metadata.finalizers", 'duplicate entries for key [="a"]')]),
        ({"spec": {"containers": [{"name": "a", "args": ["x", 5]}]}},
         [('.spec.containers[name="a"].args[1]', "expected string, got &value.valueUnstructured{Value:5}")]),
        ({"metadata": {"finalizers": [{}]}},
         [(".metadata.finalizers", "element 0: associative list without keys has an element that's a map type")]),
    ],
)  # fmt: skip
def test_configuration_is_checked_in_upstreams_words(type: Type, value: Any, findings: Any) -> None:
    assert type.check(value) == findings


def test_types_of_cyclic_schemas_compile() -> None:
    node = Schema("object")
    node.properties = {"not": node, "all": Schema("array", items=node), "by": Schema("object", additional=node)}
    type = Compiler().type_of(node)
    assert type.full({"not": {"not": {}}, "by": {"x": {"all": [{}]}}}) == {
        ".": {},
        "f:not": {".": {}, "f:not": {}},
        "f:by": {".": {}, "f:x": {".": {}, "f:all": {}}},
    }
