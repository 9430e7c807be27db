from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.controlplane.api_server import ApiServerOptions, RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden, NotFound, SettingsError
from cloudk8s.machinery.codec import decode
from cloudk8s.settings import ClusterSettings

RBAC = "/apis/rbac.authorization.k8s.io/v1"
MASTER = UserInfo("root", groups=("system:masters", "system:authenticated"))
ANN = UserInfo("ann", groups=("system:authenticated",))


def settings(directory: Path, store: str = "") -> ClusterSettings:
    return ClusterSettings(data_dir=directory, port=0, store=store)


async def call(
    server: RunningApiServer, method: str, path: str, body: object = None, user: UserInfo = MASTER
) -> object:
    answer = await server.assembly.local(user, agent="test").call(method, path, body=body)
    return decode(answer.body if isinstance(answer.body, bytes) else b"".join(answer.body))


async def test_strangers_may_do_nothing(tmp_path: Path) -> None:
    async with running_api_server(settings(tmp_path, "memory://")) as server:
        expected = (
            'configmaps is forbidden: User "ann" cannot list resource "configmaps" in API group "" in the namespace'
        )
        with pytest.raises(Forbidden, match=expected):
            await call(server, "GET", "/api/v1/namespaces/default/configmaps", user=ANN)
        with pytest.raises(Forbidden, match=r'namespaces "x" is forbidden: .* in the namespace "x"'):
            await call(server, "GET", "/api/v1/namespaces/x", user=ANN)
        with pytest.raises(NotFound):
            await call(server, "GET", "/api/v1/namespaces/x")


async def test_roles_cannot_be_used_to_climb(tmp_path: Path) -> None:
    async with running_api_server(settings(tmp_path, "memory://")) as server:
        rules = [{"verbs": ["*"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"]}]
        role = {"metadata": {"name": "manager"}, "rules": [{**rules[0], "verbs": ["create", "update", "get"]}]}
        await call(server, "POST", f"{RBAC}/namespaces/default/roles", role)
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "manager"}
        binding = {"metadata": {"name": "m"}, "roleRef": reference, "subjects": [{"kind": "User", "name": "ann"}]}
        await call(server, "POST", f"{RBAC}/namespaces/default/rolebindings", binding)
        everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        grab = {"metadata": {"name": "grab"}, "rules": everything}
        with pytest.raises(
            Forbidden, match=r'user "ann" .* is attempting to grant RBAC permissions not currently held'
        ):
            await call(server, "POST", f"{RBAC}/namespaces/default/roles", grab, ANN)
        changed = role | {"rules": everything}
        with pytest.raises(Forbidden, match='"manager" is forbidden'):
            await call(server, "PUT", f"{RBAC}/namespaces/default/roles/manager", changed, ANN)
        await call(server, "POST", f"{RBAC}/namespaces/default/roles", role | {"metadata": {"name": "same"}}, ANN)


async def test_default_roles_survive_a_restart_and_are_completed(tmp_path: Path) -> None:
    path = f"{RBAC}/clusterroles/system:discovery"
    async with running_api_server(settings(tmp_path)) as server:
        original = await call(server, "GET", path)
        assert isinstance(original, dict)
        own = {"verbs": ["get"], "nonResourceURLs": ["/mine"]}
        await call(server, "PUT", path, original | {"rules": [own]})
        untouched = await call(server, "GET", f"{RBAC}/clusterroles/cluster-admin")
    async with running_api_server(settings(tmp_path)) as server:
        completed = await call(server, "GET", path)
        assert isinstance(completed, dict)
        assert completed["rules"] == [own, *original["rules"]]
        assert completed["metadata"]["uid"] == original["metadata"]["uid"]
        assert await call(server, "GET", f"{RBAC}/clusterroles/cluster-admin") == untouched


async def test_other_modes(tmp_path: Path) -> None:
    options = ApiServerOptions(authorization_modes=("AlwaysAllow",))
    async with running_api_server(settings(tmp_path, "memory://"), options) as server:
        await call(server, "GET", "/api/v1/namespaces/default/secrets", user=ANN)
    with pytest.raises(SettingsError, match="authorization mode 'ABAC' is none of Node, RBAC"):
        async with running_api_server(settings(tmp_path, "memory://"), ApiServerOptions(("ABAC",))):
            pass
