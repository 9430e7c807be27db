"""A kubelet's question becomes ECR's token: request in, response out, both as JSON values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from cloudk8s.machinery.clock import Clock
from cloudk8s.plugin import CloudError, SettingsError
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.credentials.registry import Registry, registry_of
from cloudk8s_aws.settings import AwsSettings

API_VERSION = "credentialprovider.kubelet.k8s.io/v1"
ROLE_ANNOTATION = "eks.amazonaws.com/ecr-role-arn"
ROLE_VARIABLE = "AWS_ECR_ROLE_ARN"
SESSION = "cloudk8s-ecr-credential-provider"

Connect = Callable[[AwsSettings], AwsApi]


class EcrCredentials:
    """Answers one request. `environment` is the process's, `connect` makes the API of some settings."""

    def __init__(
        self, settings: AwsSettings, *, clock: Clock, environment: Mapping[str, str], connect: Connect = AwsApi
    ) -> None:
        self._settings, self._clock = settings, clock
        self._environment, self._connect = environment, connect

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The response. Raises SettingsError for a request that is none, and CloudError for what AWS says."""
        if request.get("apiVersion") != API_VERSION or request.get("kind") != "CredentialProviderRequest":
            found = f"{request.get('apiVersion')} {request.get('kind')}"
            raise SettingsError(f"this answers a CredentialProviderRequest of {API_VERSION}, not a {found}")
        if not request.get("image"):
            raise SettingsError("the request names no image")
        registry = registry_of(str(request["image"]))
        region = registry.region or self._settings.region
        settings = self._settings.model_copy(update={"region": region})
        if token := request.get("serviceAccountToken"):
            settings = self._assumed(settings, str(token), request.get("serviceAccountAnnotations") or {})
        data = self._authorization(registry, self._connect(settings))
        return {
            "apiVersion": API_VERSION, "kind": "CredentialProviderResponse", "cacheKeyType": "Registry",
            "cacheDuration": self._duration(data.get("expiresAt")),
            "auth": {registry.host: _credentials(str(data.get("authorizationToken") or ""))},
        }  # fmt: skip

    def _authorization(self, registry: Registry, api: AwsApi) -> Mapping[str, Any]:
        if registry.is_public:
            data: Mapping[str, Any] = api.call("ecr-public", "get_authorization_token")["authorizationData"]
            return data
        parameters = {"registryIds": [registry.account]} if registry.account else {}
        entries = api.call("ecr", "get_authorization_token", **parameters).get("authorizationData") or []
        if not entries:
            raise CloudError(f"ECR gave no token for {registry.host}")
        entry: Mapping[str, Any] = entries[0]
        return entry

    def _assumed(self, settings: AwsSettings, token: str, annotations: Mapping[str, str]) -> AwsSettings:
        """Settings with the credentials of the pod's own role."""
        role = annotations.get(ROLE_ANNOTATION) or self._environment.get(ROLE_VARIABLE, "")
        if not role:
            raise SettingsError(f"a token without a role: annotate the service account with {ROLE_ANNOTATION}")
        answer = self._connect(settings).call(
            "sts", "assume_role_with_web_identity", RoleArn=role, RoleSessionName=SESSION, WebIdentityToken=token
        )
        given = answer["Credentials"]
        return settings.model_copy(
            update={
                "access_key_id": given["AccessKeyId"],
                "secret_access_key": SecretStr(given["SecretAccessKey"]),
                "session_token": SecretStr(given["SessionToken"]),
                "role_arn": "",
                "profile": "",
            }
        )

    def _duration(self, expires: datetime | None) -> str:
        """Half of the life that is left; nothing where that is not known."""
        if expires is None:
            return "0s"
        return f"{max(0, int((expires - self._clock.now()).total_seconds() / 2))}s"


def _credentials(token: str) -> dict[str, str]:
    """ECR's token is `user:password` in base64."""
    try:
        user, separator, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise CloudError("ECR's token is no base64") from error
    if not separator or not user or not password:
        raise CloudError("ECR's token is no user and password")
    return {"username": user, "password": password}
