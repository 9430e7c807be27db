"""Fixtures shared by the tests of the API layer."""

from __future__ import annotations

import pytest

from cloudk8s.api.registry import Registry, load_registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry of the default version; tests that add custom resources make their own."""
    return load_registry()
