"""`provider check` runs the contract suite on a provider by its name."""

from __future__ import annotations

import pytest

from cloudk8s.errors import UserError
from cloudk8s.testing.contract.check import check_provider, find_world


def test_the_simulated_provider_passes_every_check() -> None:
    report = check_provider("simulated")
    assert report.passed
    table = {contract: (passed, failed) for contract, passed, failed, _ in report.table()}
    assert set(table) == {
        "Controllers", "Crashes", "Instances", "LoadBalancers", "Machines", "Networks", "Routes", "Volumes",
    }  # fmt: skip
    assert all(failed == 0 and passed > 0 for passed, failed in table.values())
    assert report.as_dict()["passed"] is True


def test_an_unknown_provider_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="there is no provider 'nowhere'"):
        check_provider("nowhere")


def test_worlds_are_found_by_convention() -> None:
    assert find_world("aws") == ("cloudk8s_aws.testing", "AwsWorld")
    assert find_world("libcloud") == ("cloudk8s_libcloud.testing", "Ec2World")
