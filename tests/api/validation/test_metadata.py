from __future__ import annotations

from cloudk8s.api.validation import metadata


def texts(errors: list) -> list[str]:  # type: ignore[type-arg]
    return [str(error) for error in errors]


def test_a_plain_object_has_no_findings() -> None:
    meta = {"name": "web", "namespace": "default", "labels": {"app.kubernetes.io/name": "web"}}
    assert metadata.validate(meta, namespaced=True) == []


def test_name_or_generate_name_is_required() -> None:
    found = texts(metadata.validate({"namespace": "default"}, namespaced=True))
    assert found == ["metadata.name: Required value: name or generateName is required"]


def test_generate_name_may_end_with_a_dash() -> None:
    meta = {"name": "web-x", "generateName": "web-", "namespace": "default"}
    assert metadata.validate(meta, namespaced=True) == []


def test_namespace_is_refused_on_cluster_scoped_kinds() -> None:
    found = texts(metadata.validate({"name": "n", "namespace": "x"}, namespaced=False))
    assert found == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_only_one_owner_controls() -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1", "controller": True}
    found = metadata.validate_owner_references([owner, owner | {"name": "b"}], "metadata.ownerReferences")
    assert 'Found "true" in references for ConfigMap/a and ConfigMap/b' in found[0].text
    assert found[0].text.startswith('Invalid value: [{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"1"')


def test_finalizers_cannot_be_added_while_deleting() -> None:
    old = {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x.example/a"]}
    new = old | {"finalizers": ["x.example/a", "x.example/b"]}
    found = texts(metadata.validate_update(new, old))
    assert found == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"x.example/b"}'
    ]


def test_identity_is_immutable() -> None:
    old = {"name": "a", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    found = metadata.validate_update(old | {"uid": "2"}, old)
    assert texts(found) == ['metadata.uid: Invalid value: "2": field is immutable']


def test_annotations_have_a_total_limit() -> None:
    found = metadata.validate_annotations({"a": "x" * (256 * 1024)}, "metadata.annotations")
    assert texts(found) == ["metadata.annotations: Too long: may not be more than 262144 bytes"]
