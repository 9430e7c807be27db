"""Options of deletions in every form, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.errors import BadRequest, Conflict, StatusError
from cloudk8s.machinery import codec

MAPS = "/api/v1/namespaces/default/configmaps"
UID = "preconditions: {uid: other}"
PROTOBUF = b"k8s\0\n\x13\n\x02v1\x12\rDeleteOptions\x12\x09\x12\x07\n\x05other"


@pytest.fixture
async def maps(api: LocalApi) -> LocalApi:
    for name, labels in (("a", {"x": "1"}), ("b", {})):
        await api.call("POST", MAPS, body={"metadata": {"name": name, "labels": labels}})
    return api


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"preconditions":{"uid":"other"}}'),
        ("application/yaml", UID.encode()),
        ("application/vnd.kubernetes.protobuf", PROTOBUF),
    ],
)
async def test_preconditions_count_in_every_form(maps: LocalApi, content_type: str, body: bytes) -> None:
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition: other"):
        await maps.call("DELETE", f"{MAPS}/a", body=body, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"preconditions": []},
            "cannot be handled as a DeleteOptions: json: cannot unmarshal array into Go struct field ",
        ),
        (
            {"gracePeriodSeconds": "1"},
            "cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
        ),
        ([], "json parse error: json: cannot unmarshal array into Go value of type"),
        ({"kind": 5}, "cannot unmarshal number into Go struct field .kind of type string"),
        (b"{", "couldn't get version/kind; json parse error: unexpected end of JSON input"),
        (b"k8s", "json parse error: invalid character 'k' looking for beginning of value"),
    ],
)
async def test_wrong_options_are_refused(maps: LocalApi, body: Any, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await maps.call("DELETE", f"{MAPS}/a", body=body)
    assert message in refused.value.message


async def test_a_dry_run_of_a_collection_keeps_to_its_selector(maps: LocalApi) -> None:
    answer = await maps.call("DELETE", MAPS, {"labelSelector": "x=1"}, {"dryRun": ["All"]})
    assert [item["metadata"]["name"] for item in codec.decode(joined(answer))["items"]] == ["a"]
    assert len(codec.decode(joined(await maps.call("GET", MAPS)))["items"]) == 2


@pytest.mark.parametrize("limit", ["x", "1.5", "9" * 30, "1_0", "9" * 5000])
async def test_a_limit_has_to_be_a_number(maps: LocalApi, limit: str) -> None:
    for method in ("GET", "DELETE"):
        with pytest.raises(BadRequest, match=r"strconv\.ParseInt: parsing"):
            await maps.call(method, MAPS, {"limit": limit})


@pytest.mark.parametrize("version", ["x", "-1", "9" * 30, "\u0661"])
async def test_a_resource_version_has_to_be_a_number(maps: LocalApi, version: str) -> None:
    with pytest.raises(BadRequest, match=r"strconv\.ParseUint: parsing"):
        await maps.call("GET", MAPS, {"resourceVersion": version})
    with pytest.raises(StatusError, match=r"strconv\.ParseUint: parsing"):
        await maps.call("GET", f"{MAPS}/a", {"resourceVersion": version})
