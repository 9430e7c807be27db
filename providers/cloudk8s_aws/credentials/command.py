"""`cloudk8s ecr-credential-provider`: the program that a kubelet calls for passwords of ECR."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def ecr_credential_provider(
    region: Annotated[str, typer.Option(help="Region of registries whose host tells none; else AWS_REGION.")] = "",
    endpoint_url: Annotated[str, typer.Option(help="Another endpoint for every API, such as an emulator's.")] = "",
) -> None:
    """Answer a kubelet that asks for the password of an ECR registry, on standard input and output.

    In the kubelet's CredentialProviderConfig, name `cloudk8s` as the provider and this command as its argument.

    Example: cloudk8s ecr-credential-provider < request.json
    """
    from cloudk8s.machinery.clock import SystemClock
    from cloudk8s.machinery.codec import DecodeError, decode, encode
    from cloudk8s.plugin import SettingsError
    from cloudk8s_aws.credentials.provider import EcrCredentials
    from cloudk8s_aws.settings import AwsSettings

    chosen = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    settings = AwsSettings(region=chosen, endpoint_url=endpoint_url)
    try:
        request = decode(sys.stdin.buffer.read())
    except DecodeError as error:
        raise SettingsError(f"standard input holds no CredentialProviderRequest: {error}") from error
    answer = EcrCredentials(settings, clock=SystemClock(), environment=os.environ).answer(request)
    sys.stdout.write(encode(answer).decode() + "\n")
