"""The libcloud provider fulfils the contracts that it offers, with the EC2 driver over HTTP."""

from __future__ import annotations

from cloudk8s.testing.contract import *  # noqa: F403
