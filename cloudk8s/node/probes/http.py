"""GET a URL the way a probe does: a short request, no certificate check, redirects on the same host followed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin, urlsplit

import httptools

from cloudk8s.node.probes.outcome import Outcome

MAX_BODY = 10 * 1024
_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""What OpenSSL, by its version, says of a first byte that is no record of TLS."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to ask: `headers` are those of the probe's spec."""

    scheme: str
    host: str
    port: int
    path: str
    headers: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        """As messages show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(slots=True)
class Answer:
    """A response, its body cut off."""

    status: int = 0
    location: str = ""
    body: bytes = b""
    is_complete: bool = False


class RequestFailed(Exception):
    """There was no answer; the text says why, in upstream's words."""


class NotEncrypted(RequestFailed):
    """Who was to speak TLS does not."""


async def probe(target: Target, *, user_agent: str = "kube-probe/1.37") -> Outcome:
    """2xx and 3xx are success; the caller sets the time limit."""
    try:
        answer = await follow(target, user_agent=user_agent)
    except RequestFailed as error:
        return Outcome(False, str(error))
    if answer.status in _REDIRECTS and answer.location:
        return Outcome(True, f"Probe terminated redirects, Response body: {_text(answer)}", is_warning=True)
    if 200 <= answer.status < 400:
        return Outcome(True, _text(answer))
    return Outcome(False, f"HTTP probe failed with statuscode: {answer.status}")


async def follow(target: Target, *, user_agent: str) -> Answer:
    """The answer at the end of all redirects; the last of them where it leads to another host. RequestFailed if none.

    The caller sets the time limit.
    """
    url = target.url
    try:
        for _ in range(_MAX_REDIRECTS):
            answer = await _get(url, target.headers, user_agent=user_agent)
            onward = urljoin(url, answer.location)
            is_final = answer.status not in _REDIRECTS or not answer.location
            if is_final or urlsplit(onward).hostname != urlsplit(url).hostname:
                return answer
            url = onward
    except ssl.SSLError as error:
        if error.reason in _NO_TLS:
            raise NotEncrypted(f'Get "{url}": http: server gave HTTP response to HTTPS client') from error
        raise RequestFailed(f'Get "{url}": {error}') from error
    except (OSError, EOFError, httptools.HttpParserError) as error:
        raise RequestFailed(f'Get "{url}": {_words(error, target)}') from error
    raise RequestFailed(f'Get "{url}": stopped after 10 redirects')


async def _get(url: str, headers: Sequence[tuple[str, str]], *, user_agent: str) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    context = insecure_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
    try:
        writer.write(_request(parts.netloc, parts.path or "/", parts.query, headers, user_agent))
        return await _read(reader)
    finally:
        writer.close()


@cache
def insecure_context() -> ssl.SSLContext:
    """Encrypts without asking who is there, as probes do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Collector:
    """What httptools calls."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"location":
            self._answer.location = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._answer.body = (self._answer.body + body)[:MAX_BODY]
        if len(self._answer.body) == MAX_BODY:
            self._answer.is_complete = True

    def on_message_complete(self) -> None:
        self._answer.is_complete = True


async def _read(reader: asyncio.StreamReader) -> Answer:
    answer = Answer()
    parser = httptools.HttpResponseParser(_Collector(answer))
    while not answer.is_complete:
        data = await reader.read(65536)
        if not data:
            break
        parser.feed_data(data)
        answer.status = parser.get_status_code()
    if not answer.status:
        raise EOFError("EOF")
    return answer


def _request(
    authority: str, path: str, query: str, headers: Sequence[tuple[str, str]], user_agent: str
) -> bytes:  # fmt: skip
    given = {name.lower(): (name, value) for name, value in headers}
    lines = [f"GET {path}{'?' + query if query else ''} HTTP/1.1"]
    lines.append(f"Host: {given['host'][1] if 'host' in given else authority}")
    defaults = (("User-Agent", user_agent), ("Accept", "*/*"), ("Connection", "close"))
    lines += [f"{name}: {value}" for name, value in defaults if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() != "host" and value]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _words(error: Exception, target: Target) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {target.host}:{target.port}: connect: connection refused"
    return str(error) or type(error).__name__


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")
