"""The registry serves exactly what upstream serves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cloudk8s.api import registry_build, registry_file
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.api.resource import GroupResource, ResourceType
from cloudk8s.errors import UserError
from cloudk8s.machinery.schema import UNSET

ROWS = Path(__file__).with_name("api-resources.tsv").read_text().splitlines()[1:]


def test_every_row_of_upstreams_table_is_served_and_nothing_else(registry: Registry) -> None:
    served = {row for resource in registry.resources() for row in rows_of(resource)}
    assert served == set(ROWS)


def test_groups_stand_in_upstreams_order_with_the_preferred_version_first(registry: Registry) -> None:
    names = [group.name for group in registry.groups()]
    assert names[:4] == ["", "apiregistration.k8s.io", "apps", "events.k8s.io"]
    assert names[-1] == "flowcontrol.apiserver.k8s.io"
    autoscaling = registry.group("autoscaling")
    assert autoscaling is not None
    assert autoscaling.versions == ("v2", "v1")
    assert autoscaling.preferred == "v2"


def test_a_resource_is_found_by_plural_and_by_kind(registry: Registry) -> None:
    pods = registry.lookup("", "v1", "pods")
    assert pods is not None
    assert pods is registry.lookup_kind("", "v1", "Pod")
    assert registry.lookup("", "v2", "pods") is None


def test_schemas_carry_merge_keys_formats_and_texts(registry: Registry) -> None:
    pod = registry.definitions["io.k8s.api.core.v1.Pod"].properties
    assert pod
    spec = pod["spec"]
    assert spec.description.startswith("Specification of the desired behavior of the pod.")
    assert spec.name == "io.k8s.api.core.v1.PodSpec"
    assert spec.properties
    containers = spec.properties["containers"]
    assert (containers.list_type, containers.list_map_keys) == ("map", ("name",))
    assert (set(containers.patch_strategy), containers.patch_merge_key) == ({"merge"}, "name")
    assert containers.go_type == "[]v1.Container"
    assert spec.required == ("containers",)
    assert containers.items
    assert containers.items.properties
    ports = containers.items.properties["ports"]
    assert ports.list_map_keys == ("containerPort", "protocol")
    assert ports.items
    assert ports.items.properties
    assert ports.items.properties["protocol"].default == "TCP"
    assert ports.items.properties["hostPort"].format == "int32"
    assert ports.items.properties["hostPort"].default is UNSET


def test_a_reference_keeps_what_the_field_says_itself(registry: Registry) -> None:
    strategy = registry.definitions["io.k8s.api.apps.v1.DeploymentSpec"].properties
    assert strategy
    assert strategy["strategy"].patch_strategy == {"retainKeys"}
    assert registry.definitions["io.k8s.api.apps.v1.DeploymentStrategy"].patch_strategy == frozenset()


def test_recursive_types_end(registry: Registry) -> None:
    props = registry.definitions["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"]
    assert props.properties
    assert props.properties["not"].properties
    assert props.properties["not"].properties["not"].properties is props.properties


def test_one_value_types_have_a_format_of_their_own(registry: Registry) -> None:
    port = registry.definitions["io.k8s.api.core.v1.ServicePort"].properties
    assert port
    assert (port["targetPort"].type, port["targetPort"].format) == ("string", "int-or-string")
    quantity = registry.definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]
    assert (quantity.type, quantity.format) == ("string", "quantity")
    assert registry.definitions["io.k8s.apimachinery.pkg.runtime.RawExtension"].type == "any"


@pytest.mark.parametrize(
    ("group", "version", "kind"),
    [("policy", "v1", "Eviction"), ("autoscaling", "v1", "Scale"), ("", "v1", "DeleteOptions"), ("", "v1", "Pod")],
)
def test_kinds_that_are_no_resource_have_a_schema_too(registry: Registry, group: str, version: str, kind: str) -> None:
    schema = registry.schema(group, version, kind)
    assert schema is not None
    assert schema.name.endswith(f".{kind}")


def test_events_and_autoscalers_share_one_store(registry: Registry) -> None:
    core, events = registry.lookup("", "v1", "events"), registry.lookup("events.k8s.io", "v1", "events")
    assert core
    assert events
    assert core.prefix == events.prefix == "/registry/core/events/"
    versions = [registry.lookup("autoscaling", version, "horizontalpodautoscalers") for version in ("v1", "v2")]
    assert {version.storage_version for version in versions if version} == {"v2"}


def test_custom_resources_come_and_go_and_move_the_generation() -> None:
    registry = load_registry()
    widgets = custom("widgets", "Widget", "v1"), custom("widgets", "Widget", "v1beta1")
    registry.add_custom(widgets)
    assert registry.generation == 1
    assert registry.lookup("example.com", "v1", "widgets") is widgets[0]
    assert registry.versions_of("example.com", "widgets") == widgets
    group = registry.group("example.com")
    assert group is not None
    assert group.versions == ("v1", "v1beta1")
    registry.add_custom(widgets[:1])
    assert registry.lookup("example.com", "v1beta1", "widgets") is None
    registry.remove_custom(GroupResource("example.com", "widgets"))
    assert registry.group("example.com") is None
    assert registry.generation == 3
    registry.remove_custom(GroupResource("example.com", "widgets"))
    assert registry.generation == 3


def test_loading_is_quick() -> None:
    load_registry()
    start = time.perf_counter()
    load_registry()
    assert time.perf_counter() - start < 0.1


def test_another_version_is_built_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    registry = load_registry("1.32")
    assert registry.version == "1.32"
    assert registry.lookup("admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies") is None
    assert registry.lookup("", "v1", "pods") is not None
    assert (tmp_path / "cloudk8s" / "registry-1.32.bin").exists()


def test_an_unknown_version_is_the_users_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"Kubernetes 1\.3 is not available: .* it has 1\.25, .*1\.37.*schemas"):
        load_registry("1.3")


def test_a_stale_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stale = tmp_path / "cloudk8s" / "registry-1.36.bin"
    stale.parent.mkdir()
    stale.write_bytes(registry_file.pack({"version": "1.36", "sources": "old", "resources": []}, {}))
    assert load_registry("1.36").lookup("", "v1", "pods") is not None


def test_the_file_is_reproducible() -> None:
    assert registry_build.build() == registry_build.build()


def custom(plural: str, kind: str, version: str) -> ResourceType:
    return ResourceType("example.com", version, kind, plural, kind.lower(), namespaced=True, verbs=("get", "list"))


def rows_of(resource: ResourceType) -> list[str]:
    """The resource and its subresources as the table writes them."""
    scope = str(resource.namespaced).lower()
    lists = [",".join(items) for items in (resource.short_names, resource.categories, resource.verbs)]
    first = [resource.api_version, resource.plural, resource.kind, "", scope, resource.singular, *lists]
    rows = ["\t".join(first)]
    for item in resource.subresources.values():
        other = f"{item.group}/{item.version}" if item.version else ""
        name = f"{resource.plural}/{item.name}"
        rows.append("\t".join([resource.api_version, name, item.kind, other, scope, "", "", "", ",".join(item.verbs)]))
    return rows
