"""The client's side of the OCI distribution protocol: manifests and blobs of one repository. Blocks.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from cloudk8s import __version__
from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.host.images import manifests
from cloudk8s.node.runtimes.host.images.reference import Reference
from cloudk8s.node.runtimes.interface import Credentials, ImagePullFailed, RegistryUnavailable

_DOCKER_HUB = "registry-1.docker.io"
_TIMEOUT = 60.0
_MAX_MANIFEST = 8 << 20
_CHUNK = 1 << 20
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand: what authenticates to a registry is not for whom it points to."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Registry:
    """One repository of a registry, as one user. Registries on this host may speak plain HTTP."""

    def __init__(self, reference: Reference, credentials: Credentials | None) -> None:
        self._reference, self._credentials = reference, credentials or Credentials()
        host = _DOCKER_HUB if reference.host == "docker.io" else reference.host
        scheme = "http" if _is_local(host) else "https"
        self._base = f"{scheme}://{host}/v2/{reference.path}"
        self._authorization = ""
        self._opener = urllib.request.build_opener(_NoRedirect())

    def manifest(self, reference: str) -> bytes:
        """A manifest by tag or digest, verified where that is a digest."""
        with self._get(f"{self._base}/manifests/{reference}", accept=", ".join(manifests.ACCEPTED)) as response:
            content = response.read(_MAX_MANIFEST + 1)
            if len(content) > _MAX_MANIFEST:
                raise ImagePullFailed(f"the manifest of {self._reference} is too large")
        return manifests.verify(content, reference) if ":" in reference else content

    def blob(self, digest: str) -> bytes:
        """A small blob, verified."""
        with self._get(f"{self._base}/blobs/{digest}") as response:
            return manifests.verify(response.read(), digest)

    def download(self, digest: str, path: Path) -> None:
        """A large blob, verified while it is written."""
        algorithm, _, expected = digest.partition(":")
        if algorithm not in ("sha256", "sha512"):
            raise ImagePullFailed(f"unsupported digest {digest}")
        hashed = hashlib.new(algorithm)
        with self._get(f"{self._base}/blobs/{digest}") as response, path.open("wb") as file:
            while data := response.read(_CHUNK):
                hashed.update(data)
                file.write(data)
        if hashed.hexdigest() != expected:
            raise ImagePullFailed(f"content does not match its digest {digest}")

    def _get(self, url: str, *, accept: str = "*/*") -> http.client.HTTPResponse:
        """GET, with a login where the registry asks for one."""
        try:
            response = self._send(url, {"Accept": accept, "Authorization": self._authorization})
            if response.status == 401:
                self._log_in(response.headers.get_all("WWW-Authenticate") or [])
                response = self._send(url, {"Accept": accept, "Authorization": self._authorization})
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise self._unreachable(url, error) from error
        if response.status != 200:
            raise _refusal(response, self._reference)
        return response

    def _send(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        for _ in range(10):
            response = self._open(url, headers)
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response
            onward = urljoin(url, location)
            if urlsplit(onward).netloc != urlsplit(url).netloc:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = onward
        raise ImagePullFailed(f"{self._reference}: too many redirects")

    def _open(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        request = urllib.request.Request(url, headers={name: value for name, value in headers.items() if value})
        request.add_header("User-Agent", f"cloudk8s/{__version__}")
        try:
            return self._opener.open(request, timeout=_TIMEOUT)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            return error  # type: ignore[return-value]
        except ssl.SSLError as error:
            raise self._unreachable(url, error) from error

    def _unreachable(self, url: str, error: Exception) -> RegistryUnavailable:
        """What was asked for and why it failed, in the words of containerd."""
        asked = f'failed to resolve reference "{self._reference}": failed to do request: Get "{url.partition("?")[0]}"'
        return RegistryUnavailable(f"{asked}: {_reason(error, urlsplit(url).hostname or '')}")

    def _log_in(self, challenges: list[str]) -> None:
        """Answer the registry's challenge: a token from its token service, or name and password."""
        for challenge in challenges:
            kind, _, rest = challenge.partition(" ")
            if kind.lower() == "bearer":
                self._authorization = f"Bearer {self._token(dict(_PARAMETER.findall(rest)))}"
                return
            if kind.lower() == "basic" and self._credentials.username:
                self._authorization = self._basic()
                return
        raise ImagePullFailed(f"{self._reference}: the registry asks for a login that is not known")

    def _token(self, parameters: dict[str, str]) -> str:
        if self._credentials.registry_token:
            return self._credentials.registry_token
        query = {"service": parameters.get("service", ""), "scope": f"repository:{self._reference.path}:pull"}
        url = f"{parameters.get('realm', '')}?{urlencode({key: value for key, value in query.items() if value})}"
        headers = {"Authorization": self._basic()} if self._credentials.username else {}
        response = self._send(url, headers)
        if response.status != 200:
            raise _refusal(response, self._reference)
        document = codec.decode(response.read())
        return str(document.get("token") or document.get("access_token") or "")

    def _basic(self) -> str:
        pair = f"{self._credentials.username}:{self._credentials.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _refusal(response: http.client.HTTPResponse, reference: Reference) -> ImagePullFailed:
    """In the words of containerd, which tools and people look for."""
    if response.status in (401, 403):
        return ImagePullFailed(
            f'failed to resolve reference "{reference}": pull access denied, repository does not exist or may require '
            "authorization: server message: insufficient_scope: authorization failed"
        )
    if response.status == 404:
        return ImagePullFailed(f'failed to resolve reference "{reference}": {reference}: not found')
    if response.status == 429:
        return ImagePullFailed(f"{reference}: toomanyrequests: the registry limits how often it is asked")
    return ImagePullFailed(f'failed to resolve reference "{reference}": unexpected status: {response.status}')


def _reason(error: Exception, host: str) -> str:
    """One of the system's errors without its number; a name that nobody knows is named."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return f"lookup {host}: {text}" if isinstance(cause, socket.gaierror) else text


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    return name in ("localhost", "127.0.0.1", "[::1]")
