"""A running server without a socket."""

from tests.apiserver.handlers.conftest import api

__all__ = ["api"]
