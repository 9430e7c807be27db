"""Whether the account allows what will be done: dry runs, which do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cloudk8s.plugin import CloudError, CloudForbidden, Finding, MachineRequest, NetworkRequest
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.machines.catalog import DEFAULT

HINT = "`cloudk8s provider iam-policy aws` prints what is needed"


def forbidden(api: AwsApi, request: NetworkRequest, machines: Sequence[MachineRequest]) -> Iterator[Finding]:
    """One finding for every call that would be refused; other failures of a dry run mean nothing."""
    for operation, parameters in _calls(request, machines).items():
        try:
            api.call("ec2", operation, DryRun=True, **parameters)
        except CloudForbidden as error:
            yield Finding("permission", f"{error}; {HINT}")
        except CloudError:
            continue


def _calls(request: NetworkRequest, machines: Sequence[MachineRequest]) -> Mapping[str, Mapping[str, Any]]:
    """Those that the cluster needs and that can be tried without naming what is not there yet."""
    kind = machines[0].type if machines else ""
    name = f"{request.cluster}-preflight"
    found: dict[str, dict[str, Any]] = {
        "run_instances": {
            "ImageId": "ami-00000000000000000", "InstanceType": kind or DEFAULT, "MinCount": 1, "MaxCount": 1,
        },
        "create_security_group": {"GroupName": name, "Description": "a dry run"},
    }  # fmt: skip
    if request.existing is None:
        found["create_internet_gateway"] = {}
        if request.nat != "none":
            found["allocate_address"] = {"Domain": "vpc"}
    if any(machine.group for machine in machines):
        data = {"InstanceType": kind or DEFAULT}
        found["create_launch_template"] = {"LaunchTemplateName": name, "LaunchTemplateData": data}
    return found
