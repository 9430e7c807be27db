"""What a user of custom resources sees by the real kubectl: checks, descriptions, columns, scaling, and the end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl

Schema = dict[str, Any]
Define = Callable[..., str]

BARS: Schema = {
    "type": "array",
    "description": "List of Bars and their specs.",
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "description": "Name of Bar."},
            "age": {"type": "string", "description": "Age of Bar."},
            "feeling": {"type": "string", "enum": ["Great", "Down"]},
        },
    },
}
CHECKED: Schema = {
    "type": "object",
    "description": "Foo CRD for Testing",
    "properties": {
        "spec": {
            "type": "object",
            "description": "Specification of Foo",
            "properties": {"bars": BARS, "replicas": {"type": "integer"}},
        },
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
    },
}
OPEN: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
OPEN_INSIDE: Schema = {
    "type": "object",
    "description": "preserve-unknown-properties in nested field for Testing",
    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
}


@pytest.fixture
def define(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Define]:
    """Make a definition that goes with the test; answers what its resource is called."""
    group = re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-") + ".example.com"
    name = f"foos.{group}"

    def made(schema: Schema, **more: Any) -> str:
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **more}
        names = {"plural": "foos", "singular": "foo", "kind": "Foo", "shortNames": ["fo"], "categories": ["everything"]}
        body = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        }  # fmt: skip
        assert kubectl("create", "-f", "-", stdin=json.dumps(body)).endswith(f"{name} created\n")
        kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
        return name

    yield made
    kubectl("delete", "crd", name, "--ignore-not-found", "--timeout=30s")
    assert name not in kubectl("api-resources", "-o", "name")


def foo(resource: str, **fields: Any) -> str:
    group = resource.partition(".")[2]
    return json.dumps({"apiVersion": f"{group}/v1", "kind": "Foo", "metadata": {"name": "one"}, **fields})


def test_objects_are_held_to_their_schema(kubectl: Kubectl, namespace: str, define: Define) -> None:
    resource = define(CHECKED)
    here = ("-n", namespace, "-f", "-")
    good = foo(resource, spec={"bars": [{"name": "b", "age": "10", "feeling": "Great"}]})
    assert kubectl("create", *here, stdin=good) == f"foo.{resource.partition('.')[2]}/one created\n"
    assert " deleted" in kubectl("delete", *here, stdin=good)
    assert kubectl("apply", *here, stdin=good).endswith("/one created\n")
    assert kubectl("apply", *here, stdin=good).endswith("/one unchanged\n")
    for spec, finding in (
        ({"bars": [{"name": "b", "feeling": "NonExistentValue"}]}, 'Unsupported value: "NonExistentValue"'),
        ({"foo": True}, 'unknown field "spec.foo"'),
        ({"bars": [{"age": "10"}]}, "spec.bars[0].name: Required value"),
    ):
        for verb in ("create", "apply"):
            refused = kubectl.run(verb, *here, stdin=foo(resource, spec=spec))
            assert refused.returncode == 1, (verb, spec)
            assert finding in refused.stderr, verb


def test_schemas_are_explained(kubectl: Kubectl, define: Define) -> None:
    resource = define(CHECKED)
    whole = kubectl("explain", resource)
    assert re.search(r"DESCRIPTION:\s+Foo CRD for Testing", whole)
    spec = kubectl("explain", f"{resource}.spec")
    assert re.search(r"DESCRIPTION:\s+Specification of Foo", spec)
    assert re.search(r"bars\s+<\[\]Object>\s+List of Bars and their specs", spec)
    bars = kubectl("explain", f"{resource}.spec.bars")
    assert "FIELD: bars <[]Object>" in bars
    assert re.search(r"name\s+<string> -required-\s+Name of Bar", bars)
    missing = kubectl.run("explain", f"{resource}.spec.bars2")
    assert (missing.returncode, 'field "bars2" does not exist' in missing.stderr) == (1, True)


@pytest.mark.parametrize(
    ("schema", "said"),
    [(OPEN, "<empty>"), (OPEN_INSIDE, "preserve-unknown-properties in nested field for Testing")],
    ids=["at the root", "inside"],
)
def test_anything_goes_where_the_schema_lets_it(
    kubectl: Kubectl, namespace: str, define: Define, schema: Schema, said: str
) -> None:
    resource = define(schema)
    any_spec = {"a": None, "b": [{"c": None}], "bars": [{"age": "10"}]}
    kubectl("create", "-n", namespace, "-f", "-", stdin=foo(resource, spec=any_spec))
    kubectl("apply", "-n", namespace, "-f", "-", stdin=foo(resource, spec={"d": {"e": 1}}))
    stored = json.loads(kubectl("get", resource, "one", "-n", namespace, "-o", "json"))
    assert (stored["spec"]["b"], stored["spec"]["d"]) == ([{"c": None}], {"e": 1})
    text = kubectl("explain", resource)
    assert re.search(r"KIND:\s+Foo", text)
    assert re.search(rf"DESCRIPTION:\s+{said}", text)


def test_columns_short_names_and_categories(kubectl: Kubectl, namespace: str, define: Define) -> None:
    columns = [
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
        {"name": "First", "type": "string", "jsonPath": ".spec.bars[0].name", "priority": 1},
    ]
    resource = define(CHECKED, additionalPrinterColumns=columns)
    kubectl("create", "-n", namespace, "-f", "-", stdin=foo(resource, spec={"replicas": 3, "bars": [{"name": "b"}]}))
    narrow, wide = (kubectl("get", name, "-n", namespace, *form).splitlines()
                    for name, form in (("fo", ()), ("everything", ("-o", "wide"))))  # fmt: skip
    assert [line.split() for line in narrow] == [["NAME", "REPLICAS"], ["one", "3"]]
    assert [line.split() for line in wide] == [["NAME", "REPLICAS", "FIRST"], ["one", "3", "b"]]
    row = next(
        line for line in kubectl("api-resources", "-o", "wide").splitlines() if resource.partition(".")[2] in line
    )
    assert row.split()[:2] == ["foos", "fo"]
    assert row.split()[-1] == "everything"


def test_scale_status_and_selected_fields(kubectl: Kubectl, namespace: str, define: Define) -> None:
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    resource = define(
        CHECKED, subresources={"status": {}, "scale": scale}, selectableFields=[{"jsonPath": ".spec.replicas"}]
    )
    here = ("-n", namespace)
    kubectl("create", *here, "-f", "-", stdin=foo(resource, spec={"replicas": 1}, status={"replicas": 9}))
    assert kubectl("scale", f"{resource}/one", *here, "--replicas=4").endswith("/one scaled\n")
    merge = ("--type=merge", "-p", '{"status": {"replicas": 4}}')
    kubectl("patch", resource, "one", *here, *merge)
    assert kubectl("get", resource, "one", *here, "-o", "jsonpath={.spec.replicas}{.status.replicas}") == "4"
    kubectl("patch", resource, "one", *here, "--subresource=status", *merge)
    assert kubectl("get", resource, "one", *here, "-o", "jsonpath={.status.replicas}{.metadata.generation}") == "42"
    assert kubectl("get", resource, *here, "--field-selector=spec.replicas=4", "-o", "name").endswith("/one\n")
    assert kubectl("get", resource, *here, "--field-selector=spec.replicas=1", "-o", "name") == ""


def test_a_definition_takes_its_objects_along(kubectl: Kubectl, namespace: str, define: Define) -> None:
    resource = define(CHECKED)
    kubectl("create", "-n", namespace, "-f", "-", stdin=foo(resource))
    kubectl("delete", "crd", resource, "--timeout=30s")
    assert "the server doesn't have a resource type" in kubectl("get", resource, "-n", namespace, check=False)
    define(CHECKED)
    assert kubectl("get", resource, "-n", namespace, "-o", "name") == ""
