"""The AWS provider fulfils the contracts, on moto in process."""

from __future__ import annotations

from cloudk8s.testing.contract import *  # noqa: F403
