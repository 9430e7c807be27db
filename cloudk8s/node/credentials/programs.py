"""Logins that programs of the node tell: one call for each image, and none while an earlier answer holds."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import parse_duration
from cloudk8s.node.credentials.configuration import CredentialProvider
from cloudk8s.node.credentials.matching import fits, full_name
from cloudk8s.node.runtimes.interface import Credentials

TIMEOUT = 60.0
"""Seconds that a program may take; the kubelet's limit."""
TOKEN_SECONDS = 3600
log = logging.getLogger(__name__)


class CredentialProgramFailed(Exception):
    """A program could not be asked, or did not answer as agreed."""


class Tokens(Protocol):
    """Tokens of pods' service accounts."""

    async def token(self, pod: Object, *, audience: str, expiration_seconds: int) -> str: ...


@dataclass(frozen=True, slots=True)
class _Answer:
    logins: Mapping[str, Credentials]
    until: float


_Place: TypeAlias = tuple[str, str, str]
"""Program; what its answer is for (an image, a registry, everything); whose service account."""


class ProgramLogins:
    """Fulfils `CredentialSource`. A program that fails is logged and left out: the pull goes on without it."""

    def __init__(
        self, providers: Sequence[CredentialProvider], directory: Path, *, clock: Clock, tokens: Tokens, client: Client
    ) -> None:
        self._providers = providers
        self._directory = directory
        self._clock = clock
        self._tokens = tokens
        self._client = client
        self._answers: dict[_Place, _Answer] = {}

    async def credentials(self, pod: Object, reference: str) -> Sequence[Credentials]:
        found: list[tuple[int, Credentials]] = []
        for provider in self._providers:
            if not any(fits(pattern, reference) for pattern in provider.match_images):
                continue
            try:
                logins = await self._logins(provider, pod, reference)
            except (CredentialProgramFailed, CloudK8sError) as error:
                log.warning("credential program %s gives no login for %s: %s", provider.name, reference, error)
                continue
            found += [(len(pattern), login) for pattern, login in logins.items() if fits(pattern, reference)]
        return [login for _, login in sorted(found, key=lambda item: -item[0])]

    async def _logins(self, provider: CredentialProvider, pod: Object, reference: str) -> Mapping[str, Credentials]:
        account = await self._account(provider, pod)
        now = self._clock.monotonic()
        self._answers = {place: answer for place, answer in self._answers.items() if answer.until > now}
        whose = account.cache_key if account else ""
        for scope in _scopes(reference).values():
            if (known := self._answers.get((provider.name, scope, whose))) is not None:
                return known.logins
        answer = await _call(provider, self._directory / provider.name, _request(reference, account))
        logins, scope, seconds = _read(provider, answer, reference)
        if seconds > 0:
            self._answers[provider.name, scope, whose] = _Answer(logins, now + seconds)
        return logins

    async def _account(self, provider: CredentialProvider, pod: Object) -> _Account | None:
        """For whom the program acts. Raises CredentialProgramFailed where the pod's account lacks what it must have."""
        wanted = provider.token_attributes
        name = str(spec_of(pod).get("serviceAccountName") or "")
        if wanted is None:
            return None
        if not name:
            if wanted.require_service_account:
                raise CredentialProgramFailed("the pod has no service account")
            return None
        account = await self._client.get(SERVICE_ACCOUNTS, name, namespace=namespace_of(pod))
        annotations = annotations_of(account)
        if missing := [key for key in wanted.required_service_account_annotation_keys if key not in annotations]:
            raise CredentialProgramFailed(f"service account {name} lacks the annotations {', '.join(missing)}")
        keys = (*wanted.required_service_account_annotation_keys, *wanted.optional_service_account_annotation_keys)
        told = {key: annotations[key] for key in keys if key in annotations}
        audience = wanted.service_account_token_audience
        token = await self._tokens.token(pod, audience=audience, expiration_seconds=TOKEN_SECONDS)
        place = f"{namespace_of(pod)}/{name}/{uid_of(account)}/{json.dumps(told, sort_keys=True)}"
        return _Account(token, told, place if wanted.cache_type == "ServiceAccount" else f"{place}/{token}")


@dataclass(frozen=True, slots=True)
class _Account:
    token: str
    annotations: Mapping[str, str]
    cache_key: str


def _scopes(reference: str) -> Mapping[str, str]:
    """What an answer may be kept for, by its `cacheKeyType`."""
    name = full_name(reference)
    return {"Image": reference, "Registry": name.partition("/")[0], "Global": "*"}


def _request(reference: str, account: _Account | None) -> Mapping[str, Any]:
    request: dict[str, Any] = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "kind": "CredentialProviderRequest", "image": reference,
    }  # fmt: skip
    if account is not None:
        request |= {"serviceAccountToken": account.token, "serviceAccountAnnotations": dict(account.annotations)}
    return request


async def _call(provider: CredentialProvider, program: Path, request: Mapping[str, Any]) -> Any:
    environment = {**os.environ, **{variable.name: variable.value for variable in provider.env}}
    try:
        process = await asyncio.create_subprocess_exec(
            program, *provider.args, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise CredentialProgramFailed(f"can't be started: {error}") from error
    try:
        async with asyncio.timeout(TIMEOUT):
            told, complaint = await process.communicate(json.dumps(request).encode())
    except TimeoutError as error:
        raise CredentialProgramFailed(f"no answer in {TIMEOUT:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise CredentialProgramFailed(f"exit code {process.returncode}: {complaint.decode(errors='replace').strip()}")
    try:
        return json.loads(told)
    except ValueError as error:
        raise CredentialProgramFailed("the answer is not JSON") from error


def _read(provider: CredentialProvider, answer: Any, reference: str) -> tuple[Mapping[str, Credentials], str, float]:
    """Logins by pattern, what they are kept for, and for how many seconds."""
    try:
        if (answer["apiVersion"], answer["kind"]) != (provider.api_version, "CredentialProviderResponse"):
            raise CredentialProgramFailed(f"the answer is a {answer['apiVersion']} {answer['kind']}")
        scope = _scopes(reference)[answer["cacheKeyType"]]
        given = answer.get("cacheDuration")
        duration: timedelta = parse_duration(given) if given else provider.default_cache_duration
        logins = {
            pattern: Credentials(entry.get("username", ""), entry.get("password", ""))
            for pattern, entry in (answer.get("auth") or {}).items()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CredentialProgramFailed(f"the answer is no CredentialProviderResponse: {error!r}") from error
    return logins, scope, duration.total_seconds()
