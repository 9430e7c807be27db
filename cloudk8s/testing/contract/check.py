"""`provider check`: run the contract suite on an installed provider, and say what passed."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cloudk8s.errors import UserError
from cloudk8s.plugin.discovery import find_plugins

Result = Literal["passed", "failed", "skipped"]

TEST = """
import pytest
from cloudk8s.testing.contract import *
from {module} import {world}

@pytest.fixture(scope="session")
def account():
    with {world}() as world:
        yield world

@pytest.fixture
def world(request):
    if hasattr({world}, "reset"):
        yield request.getfixturevalue("account").reset()
    else:
        with {world}() as world:
            yield world
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One check and what became of it."""

    contract: str
    name: str
    result: Result
    detail: str = ""


@dataclass(slots=True)
class CheckReport:
    """All checks of one provider."""

    provider: str
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Nothing failed, and something was checked."""
        results = {check.result for check in self.checks}
        return "failed" not in results and "passed" in results

    def table(self) -> Sequence[tuple[str, int, int, int]]:
        """Contract, passed, failed, skipped."""
        contracts = dict.fromkeys(check.contract for check in self.checks)
        return [
            (name, self._count(name, "passed"), self._count(name, "failed"), self._count(name, "skipped"))
            for name in contracts
        ]

    def _count(self, contract: str, result: str) -> int:
        return sum(1 for check in self.checks if (check.contract, check.result) == (contract, result))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, for `--output json`."""
        checks = [
            {"contract": c.contract, "name": c.name, "result": c.result} | ({"detail": c.detail} if c.detail else {})
            for c in self.checks
        ]
        return {"provider": self.provider, "passed": self.passed, "checks": checks}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called by pytest for every phase of every check."""
        if report.when != "call" and not (report.failed or report.skipped):
            return
        _, _, rest = report.nodeid.partition("::")
        contract, _, name = rest.partition("::")
        detail = _detail(report)
        self.checks.append(Check(contract.removeprefix("Test"), name, report.outcome, detail))


def check_provider(name: str, *, verbose: bool = False) -> CheckReport:
    """Run the suite on a provider. It must have a `World` in its package's `testing` module.

    Raises UserError where there is no such provider, or no world.
    """
    import pytest

    module, world = find_world(name)
    report = CheckReport(name)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"test_{Path(directory).name}.py"  # a process imports each name once
        path.write_text(TEST.format(module=module, world=world))
        quiet = [] if verbose else ["-p", "no:terminal"]
        options = ["-p", "no:cacheprovider", f"--rootdir={directory}", "-c", "/dev/null"]
        options += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
        pytest.main([str(path), *options, *quiet], plugins=[report])
    if not report.checks:
        raise UserError(f"no check of provider {name!r} could be collected; is pytest-asyncio installed?")
    return report


def compare(reports: Sequence[CheckReport]) -> Sequence[dict[str, str]]:
    """A row for each contract, with what became of its checks under each provider's name."""
    rows: dict[str, dict[str, str]] = {}
    for report in reports:
        for contract, passed, failed, skipped in report.table():
            parts = {"passed": passed, "failed": failed, "skipped": skipped}
            text = ", ".join(f"{count} {result}" for result, count in parts.items() if count)
            rows.setdefault(contract, {"contract": contract})[report.provider] = text
    return list(rows.values())


def find_world(name: str) -> tuple[str, str]:
    """Module and class of a provider's world, by convention: a `World` of this provider in `<package>.testing`."""
    from cloudk8s.testing.contract.world import World

    candidate = next((candidate for candidate in find_plugins() if candidate.name == name), None)
    if candidate is None:
        raise UserError(f"there is no provider {name!r}; is it installed?")
    module = f"{candidate.target.rpartition('.')[0]}.testing"
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"provider {name!r} has no module {module}, which the suite needs: {error}") from error
    worlds = [entry for entry in vars(loaded).values() if isinstance(entry, type) and issubclass(entry, World)]
    own = [entry for entry in worlds if entry is not World and entry.__module__ == module]
    if not own:
        raise UserError(f"{module} has no World; derive one from cloudk8s.testing.contract.World")
    return module, own[0].__name__


def _detail(report: Any) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr).strip().splitlines()[-1] if report.failed and report.longrepr else ""
