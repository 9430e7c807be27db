"""Whether the account allows what will be done: dry runs, which do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cloudk8s.plugin import CloudError, CloudForbidden, Finding, MachineRequest, NetworkRequest
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.machines.catalog import DEFAULT
from cloudk8s_aws.permissions import policy

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


def doubtful(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    """What IAM's simulator says of all other calls; a word only, for it does not know everything."""
    if not api.is_whole:
        return
    identity = api.call("sts", "get_caller_identity")
    if not (source := _principal(api, identity["Arn"])):
        return
    denied: list[str] = []
    for statement in policy()["Statement"]:
        resources = [_example(text, api.region, identity["Account"], request.cluster) for text in _list(statement)]
        answer = api.call(
            "iam", "simulate_principal_policy", PolicySourceArn=source, ActionNames=statement["Action"],
            ResourceArns=resources,
        )  # fmt: skip
        denied += [each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"]
    if denied:
        named = ", ".join(sorted(set(denied)))
        yield Finding("permission", f"IAM's simulator says that these may be refused: {named}; {HINT}", is_fatal=False)


def _principal(api: AwsApi, arn: str) -> str:
    """Whose policies are asked about; empty for the root of the account, who may do everything."""
    if ":assumed-role/" not in arn:
        return "" if arn.endswith(":root") else arn
    role = arn.partition(":assumed-role/")[2].partition("/")[0]
    return str(api.call("iam", "get_role", RoleName=role)["Role"]["Arn"])


def _list(statement: Mapping[str, Any]) -> Sequence[str]:
    resource = statement["Resource"]
    return [resource] if isinstance(resource, str) else resource


def _example(pattern: str, region: str, account: str, cluster: str) -> str:
    """One resource that a pattern of the policy means."""
    if pattern == "*":
        return pattern
    service = pattern.split(":")[2]
    place = f"arn:aws:{service}:{'' if service == 'iam' else region}:{account if '::parameter' not in pattern else ''}:"
    return place + pattern.split(":", 5)[5].replace("*", f"{region}/{cluster}/example")


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
