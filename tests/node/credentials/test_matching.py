"""Which login fits which image."""

from __future__ import annotations

import pytest

from cloudk8s.node.credentials.matching import fits


@pytest.mark.parametrize(
    ("pattern", "reference"),
    [
        ("registry.example.com", "registry.example.com/team/app:1"),
        ("registry.example.com/team", "registry.example.com/team/app:1"),
        ("registry.example.com/team/app", "registry.example.com/team/app@sha256:00"),
        ("registry.example.com:5000", "registry.example.com:5000/app"),
        ("*.example.com", "registry.example.com/app"),
        ("*.dkr.ecr.*.amazonaws.com", "123.dkr.ecr.eu-west-1.amazonaws.com/app"),
        ("https://registry.example.com/v2/", "registry.example.com/app"),
        ("https://index.docker.io/v1/", "nginx"),
        ("docker.io", "library/nginx:1"),
        ("localhost", "localhost/app"),
    ],
)
def test_a_login_fits_images_of_its_registry(pattern: str, reference: str) -> None:
    assert fits(pattern, reference)


@pytest.mark.parametrize(
    ("pattern", "reference"),
    [
        ("*.example.com", "a.b.example.com/app"),
        ("*.example.com", "example.com/app"),
        ("registry.example.com", "registry.example.com:5000/app"),
        ("registry.example.com:5000", "registry.example.com/app"),
        ("registry.example.com/team", "registry.example.com/teams/app"),
        ("registry.example.com/team/app", "registry.example.com/team"),
        ("example.com", "nginx"),
    ],
)
def test_a_login_is_told_to_no_other_registry(pattern: str, reference: str) -> None:
    assert not fits(pattern, reference)
