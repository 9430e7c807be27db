"""The file that says which programs know logins."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.credentials.assembly import node_logins
from cloudk8s.node.credentials.configuration import read_configuration
from cloudk8s.node.credentials.secrets import SecretLogins
from cloudk8s.node.pods.image_puller import CredentialSource
from cloudk8s.node.settings import NodeSettings
from cloudk8s.testing.fake_client import FakeClient

PROVIDER = {
    "name": "ask", "matchImages": ["*.example.com"], "defaultCacheDuration": "12h",
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
}  # fmt: skip


def write(directory: Path, *providers: dict[str, Any]) -> Path:
    (directory / "ask").touch()
    file = directory / "config.yaml"
    head = {"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig"}
    file.write_text(yaml.safe_dump({**head, "providers": list(providers)}))
    return file


def test_a_sound_file_gives_its_providers(tmp_path: Path) -> None:
    [provider] = read_configuration(write(tmp_path, PROVIDER), tmp_path)
    assert (provider.name, provider.default_cache_duration) == ("ask", timedelta(hours=12))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "../ask"}, "is not the name of a file"),
        ({"name": "other"}, "there is no program other in"),
        ({"matchImages": []}, "providers.0.matchImages"),
        ({"defaultCacheDuration": "-1s"}, "must not be negative"),
        ({"defaultCacheDuration": "soon"}, "providers.0.defaultCacheDuration"),
        ({"apiVersion": "credentialprovider.kubelet.k8s.io/v1alpha1"}, "providers.0.apiVersion"),
        ({"matchimages": []}, "providers.0.matchimages"),
    ],
)
def test_a_mistake_is_named_with_its_field(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=r"config\.yaml") as raised:
        read_configuration(write(tmp_path, {**PROVIDER, **change}), tmp_path)
    assert told in str(raised.value)


def test_two_providers_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="two providers are named ask"):
        read_configuration(write(tmp_path, PROVIDER, PROVIDER), tmp_path)


class NoSecrets:
    async def secret(self, namespace: str, name: str) -> None:
        return None


def logins_of(settings: NodeSettings) -> CredentialSource:
    return node_logins(
        settings, NoSecrets(), clock=FakeClock(), client=FakeClient(), announce=lambda *told: None,
        tokens=None,  # type: ignore[arg-type]
    )  # fmt: skip


def test_file_and_directory_go_together(tmp_path: Path) -> None:
    settings = NodeSettings(node_name="n", root_dir=tmp_path, image_credential_provider_config=tmp_path / "config")
    with pytest.raises(SettingsError, match="give both"):
        logins_of(settings)


def test_without_programs_only_secrets_are_asked(tmp_path: Path) -> None:
    settings = NodeSettings(node_name="n", root_dir=tmp_path)
    logins = logins_of(settings)
    assert isinstance(logins, SecretLogins)
