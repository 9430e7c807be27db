"""`provider check` runs the contract suite on a provider by its name."""

from __future__ import annotations

import pytest

from cloudk8s.errors import UserError
from cloudk8s.testing.contract.check import Check, CheckReport, check_provider, compare, find_world


def test_the_simulated_provider_passes_every_check() -> None:
    report = check_provider("simulated")
    assert report.passed
    table = {contract: (passed, failed) for contract, passed, failed, _ in report.table()}
    assert set(table) == {
        "Crashes", "CrashesOfMachines", "CrashesOfRoutes", "Instances", "LoadBalancers",
        "Machines", "Networks", "NodeController", "NodeIPAM", "NodeLifecycle",
        "RouteController", "Routes", "ServiceController", "Traffic", "Volumes",
    }  # fmt: skip
    assert all(failed == 0 and passed > 0 for passed, failed in table.values())
    assert report.as_dict()["passed"] is True


def test_every_check_of_the_cloud_controllers_is_there() -> None:
    """By the ids that the suite's modules carry: N, L, S, R and I. S21 is the whole of `Crashes`."""
    import re

    from cloudk8s.testing import contract

    names = [name for entry in contract.__all__ for name in vars(getattr(contract, entry))]
    ids = {found.upper() for name in names for found in re.findall(r"(?<=_)[nlsri]\d+(?=_)", name)} | {"S21"}
    counts = {"N": 13, "L": 12, "S": 22, "R": 10, "I": 7}
    assert ids == {f"{letter}{number}" for letter, count in counts.items() for number in range(1, count + 1)}


def test_providers_are_compared_by_contract() -> None:
    one = CheckReport("one", [Check("Routes", "a", "passed"), Check("Routes", "b", "skipped")])
    two = CheckReport("two", [Check("Routes", "a", "failed"), Check("Traffic", "c", "passed")])
    assert compare([one, two]) == [
        {"contract": "Routes", "one": "1 passed, 1 skipped", "two": "1 failed"},
        {"contract": "Traffic", "two": "1 passed"},
    ]


def test_an_unknown_provider_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="there is no provider 'nowhere'"):
        check_provider("nowhere")


def test_worlds_are_found_by_convention() -> None:
    assert find_world("aws") == ("cloudk8s_aws.testing", "AwsWorld")
    assert find_world("libcloud") == ("cloudk8s_libcloud.testing", "Ec2World")


@pytest.mark.slow
def test_the_command_prints_a_table_of_providers(capsys: pytest.CaptureFixture[str]) -> None:
    from cloudk8s.cli.app import run

    assert run(["provider", "check", "simulated", "libcloud"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["CONTRACT", "SIMULATED", "LIBCLOUD"]
    assert any(line.startswith("RouteController") and "10 skipped" in line for line in lines)
