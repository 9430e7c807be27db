"""Where etcd is: `etcd://host:port[,host:port...][/root][?ca=FILE&cert=FILE&key=FILE]`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from cloudk8s.errors import SettingsError

_FORM = "etcd://host:port[,host:port...][/root][?ca=FILE&cert=FILE&key=FILE]"
_DEFAULT_PORT = 2379


@dataclass(frozen=True, slots=True)
class Address:
    """Endpoints of one etcd cluster, and the part of it that is ours."""

    endpoints: tuple[str, ...]
    root: str = ""
    """Comes before every key; without a slash at its end."""
    ca: Path | None = None
    """Whom the server's certificate must be signed by; None is a connection without TLS."""
    cert: Path | None = None
    key: Path | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a URL; raises SettingsError where it is not of the right form."""
        location, _, query = url.removeprefix("etcd://").partition("?")
        hosts, slash, root = location.partition("/")
        files = dict(parse_qsl(query))
        unknown = files.keys() - {"ca", "cert", "key"}
        endpoints = tuple(_endpoint(host) for host in hosts.split(",") if host)
        if not endpoints or unknown or ("cert" in files) != ("key" in files) or (files and "ca" not in files):
            raise SettingsError(f"store URL {url!r} is not of the form {_FORM}")
        paths = {name: Path(value) for name, value in files.items()}
        return cls(endpoints, (slash + unquote(root)).rstrip("/"), **paths)

    def __str__(self) -> str:
        return f"etcd://{','.join(self.endpoints)}{self.root}"


def _endpoint(host: str) -> str:
    has_port = ":" in host.rpartition("]")[2]
    return host if has_port else f"{host}:{_DEFAULT_PORT}"
