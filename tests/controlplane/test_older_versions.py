"""Servers of other Kubernetes versions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloudk8s.apiserver.local import joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import Invalid
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

SERVICES = "/api/v1/namespaces/default/services"


@pytest.mark.parametrize("version", ["1.28", "1.32"])
async def test_a_version_without_address_objects_allocates_addresses(tmp_path: Path, version: str) -> None:
    pytest.importorskip("kubernetes_validate", reason="other versions come with the extra `schemas`")
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://", kubernetes_version=version)
    async with running_api_server(settings) as server:
        api = server.assembly.local(ADMIN, agent="test")
        assert joined(await api.call("GET", "/readyz")) == b"ok"
        service = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}
        spec = codec.decode(joined(await api.call("POST", SERVICES, body=service)))["spec"]
        other = {"metadata": {"name": "b"}, "spec": {"ports": [{"port": 80}], "clusterIP": spec["clusterIP"]}}
        with pytest.raises(Invalid, match="provided IP is already allocated"):
            await api.call("POST", SERVICES, body=other)
        await api.call("DELETE", f"{SERVICES}/a")
        for _ in range(5):
            await asyncio.sleep(0)  # the address is let go after the answer
        await api.call("POST", SERVICES, body=other)


async def test_discovery_says_where_the_server_is_and_who_signs_tokens(tmp_path: Path) -> None:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        api = server.assembly.local(ADMIN, agent="test")
        (address,) = codec.decode(joined(await api.call("GET", "/api")))["serverAddressByClientCIDRs"]
        assert address["serverAddress"].endswith(f":{server.port}")
        issuer = codec.decode(joined(await api.call("GET", "/.well-known/openid-configuration")))
        assert issuer["issuer"] == "https://kubernetes.default.svc"
        assert issuer["jwks_uri"] == f"https://{address['serverAddress']}/openid/v1/jwks"
        (key,) = codec.decode(joined(await api.call("GET", "/openid/v1/jwks")))["keys"]
        assert (key["use"], key["alg"]) == ("sig", issuer["id_token_signing_alg_values_supported"][0])
