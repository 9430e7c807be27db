"""Image references."""

from __future__ import annotations

import pytest

from cloudk8s.node.runtimes.host.images.reference import parse
from cloudk8s.node.runtimes.interface import InvalidImageName

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("me/app", "docker.io/me/app:latest"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("quay.io/a/b/c:v1.2_x", "quay.io/a/b/c:v1.2_x"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("localhost/x", "localhost/x:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"r.io/x:1@{DIGEST}", f"r.io/x:1@{DIGEST}"),
        ("registry.k8s.io/e2e-test-images/agnhost:2.55", "registry.k8s.io/e2e-test-images/agnhost:2.55"),
    ],
)
def test_references_are_written_out(text: str, full: str) -> None:
    assert str(parse(text)) == full


@pytest.mark.parametrize(
    "text", ["", "UPPER", "a//b", "a:b:c/d", "x@sha256:short", "-x", "a..b", "x:" + "t" * 129, "a b"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidImageName):
        parse(text)
