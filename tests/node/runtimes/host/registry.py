"""A registry that a test serves."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import os
import threading
from typing import Any

from cloudk8s.node.runtimes.host.images.manifests import OCI_INDEX, OCI_MANIFEST

from .archives import config, digest

_OCI = "application/vnd.oci.image"


class Registry:
    """A registry over HTTP: manifests and blobs in memory, with a login if wanted."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.asked: list[str] = []
        self.scheme = ""
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.answer(self)

            def do_HEAD(self) -> None:
                registry.answer(self)

            def do_POST(self) -> None:
                self.send_error(404)

            def log_message(self, *_: Any) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, tag: str, layers: list[bytes], **fields: Any) -> None:
        content, blobs = oci_manifest(layers, **fields)
        self.blobs |= blobs
        self.manifests[(name, tag)] = self.manifests[(name, digest(content))] = content

    def descriptor(self, name: str, tag: str) -> dict[str, Any]:
        content = self.manifests[(name, tag)]
        platform = {"os": "linux", "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "")}
        return {"mediaType": OCI_MANIFEST, "digest": digest(content), "size": len(content), "platform": platform}

    def index(self, name: str, tag: str, descriptors: list[dict[str, Any]]) -> None:
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors}
        self.manifests[(name, tag)] = json.dumps(index).encode()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        login = request.headers.get("Authorization", "")
        basic = "Basic " + base64.b64encode(b"me:secret").decode()
        if request.path.startswith("/token"):
            token = b'{"token": "t0k"}' if login == basic else None
            self._send(request, 200 if token else 401, token or b"")
        elif self.scheme and login not in (basic, "Bearer t0k"):
            challenge = f'Bearer realm="http://{self.host}/token",service="test"'
            self._send(
                request, 401, b"", {"WWW-Authenticate": challenge if self.scheme == "bearer" else "Basic realm=x"}
            )
        else:
            _, _, *path, kind, name = request.path.split("/")
            found = self.blobs.get(name) if kind == "blobs" else self.manifests.get(("/".join(path), name))
            headers = {"Docker-Content-Digest": digest(found)} if found else {}
            if found and kind == "manifests":
                headers["Content-Type"] = json.loads(found).get("mediaType", OCI_INDEX)
            self._send(request, 200 if found is not None else 404, found or b"", headers)

    @staticmethod
    def _send(
        request: http.server.BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)


def oci_manifest(layers: list[bytes], **fields: Any) -> tuple[bytes, dict[str, bytes]]:
    content = config(layers, **fields)
    packed = [gzip.compress(each, mtime=0) for each in layers]
    described = [
        {"mediaType": f"{_OCI}.layer.v1.tar+gzip", "digest": digest(each), "size": len(each)} for each in packed
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": f"{_OCI}.config.v1+json", "digest": digest(content), "size": len(content)},
        "layers": described,
    }
    return json.dumps(manifest).encode(), {digest(each): each for each in (content, *packed)}
