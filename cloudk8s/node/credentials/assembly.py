"""Where a node's logins come from, by its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudk8s.client.interface import Client
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.credentials.secrets import Announce, SecretLogins, SecretReader
from cloudk8s.node.credentials.sources import AllLogins
from cloudk8s.node.pods.image_puller import CredentialSource
from cloudk8s.node.settings import NodeSettings

if TYPE_CHECKING:
    from cloudk8s.node.credentials.programs import Tokens


def node_logins(
    settings: NodeSettings, secrets: SecretReader, *, clock: Clock, tokens: Tokens, client: Client, announce: Announce
) -> CredentialSource:
    """Secrets, then programs. Raises SettingsError where the settings of programs are not sound."""
    config, directory = settings.image_credential_provider_config, settings.image_credential_provider_bin_dir
    if config is None and directory is None:
        return SecretLogins(secrets, announce=announce)
    if config is None or directory is None:
        raise SettingsError(
            "--image-credential-provider-config and --image-credential-provider-bin-dir go together: give both"
        )
    from cloudk8s.node.credentials.configuration import read_configuration
    from cloudk8s.node.credentials.programs import ProgramLogins

    programs = ProgramLogins(
        read_configuration(config, directory), directory, clock=clock, tokens=tokens, client=client
    )
    return AllLogins(SecretLogins(secrets, announce=announce), programs)
