from datetime import UTC, datetime
from typing import Any

import pytest

from cloudk8s.machinery.apply.managers import FieldManager
from cloudk8s.machinery.apply.versions import OneVersion
from cloudk8s.machinery.schema import Schema


def _struct(**properties: Schema) -> Schema:
    return Schema("object", properties=properties)


def _text() -> Schema:
    return Schema("string")


def _texts_by_name() -> Schema:
    return Schema("object", additional=_text())


@pytest.fixture
def schema() -> Schema:
    """A kind with every shape of list and map that has rules of its own."""
    port = Schema(
        "object",
        properties={
            "port": Schema("integer"), "protocol": Schema("string", default="TCP"), "name": _text(),
        },
    )  # fmt: skip
    container = _struct(
        name=_text(), image=_text(), args=Schema("array", items=_text()),
        limits=Schema("object", additional=Schema("string", format="quantity")),
        ports=Schema("array", items=port, list_type="map", list_map_keys=("port", "protocol")),
    )  # fmt: skip
    metadata = _struct(
        name=_text(), namespace=_text(), uid=_text(), resourceVersion=_text(), creationTimestamp=_text(),
        generation=Schema("integer"), managedFields=Schema("array", items=Schema()), generateName=_text(),
        labels=_texts_by_name(), annotations=_texts_by_name(),
        finalizers=Schema("array", items=_text(), list_type="set"),
    )  # fmt: skip
    spec = _struct(
        replicas=Schema("integer"), paused=Schema("boolean"), maxSurge=Schema("string", format="int-or-string"),
        selector=Schema("object", properties={"matchLabels": _texts_by_name()}, map_type="atomic"),
        containers=Schema("array", items=container, list_type="map", list_map_keys=("name",)),
        strategy=_struct(type=_text(), rollingUpdate=_struct(partition=Schema("integer"))),
        free=Schema("any", preserve_unknown=True),
    )  # fmt: skip
    return _struct(
        apiVersion=_text(), kind=_text(), metadata=metadata, spec=spec, data=_texts_by_name(),
        status=_struct(replicas=Schema("integer")),
    )  # fmt: skip


@pytest.fixture
def manager(schema: Schema) -> FieldManager:
    zero: dict[str, Any] = {"metadata": {}, "spec": {"strategy": {}, "containers": None}, "status": {}}
    return FieldManager("apps/v1", "Web", OneVersion("apps/v1", schema), zero=zero)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)
