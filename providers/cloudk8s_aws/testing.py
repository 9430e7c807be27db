"""AWS for tests: moto in process, made stricter where it forgives what AWS does not, with faults on every call."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.plugin import Instances, LoadBalancers, Machines, Networks, NodeRef, Routes
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Faults, LostAnswer, StillUsed, Throttled
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.assembly import Aws
from cloudk8s_aws.emulation import completed
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.instances.addresses import node_addresses
from cloudk8s_aws.leaks import CLIENTS, everything
from cloudk8s_aws.offline import make_default_vpc_public
from cloudk8s_aws.ownership import cluster_tag
from cloudk8s_aws.settings import AwsSettings
from cloudk8s_aws.staleness import Staleness
from cloudk8s_aws.strictness import Strictness

READS = ("Describe", "Get", "List", "Receive")
REGION = "us-east-1"


@contextmanager
def served_account() -> Iterator[str]:
    """The URL of an emulated account that answers over HTTP; empty, for all such accounts of one process are one."""
    from moto.moto_api._internal.models import moto_api_backend
    from moto.server import ThreadedMotoServer

    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    moto_api_backend.reset()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class AwsWorld(World):
    """An account on moto with a public default VPC and a tagged route table."""

    provider = "aws"

    def __init__(self) -> None:
        super().__init__()
        self.faults = _faults()
        self.timer = VirtualTimer()
        self._moto: Any = None
        self._raw: dict[str, Any] = {}
        self._first: frozenset[str] = frozenset()
        self.quotas: dict[tuple[str, str], int] = {}
        self.strictness = Strictness(self.raw)
        self.staleness = Staleness(lambda: self.timer)

    def __enter__(self) -> Self:
        from moto import mock_aws

        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        self._moto = mock_aws()
        self._moto.start()
        self._completed = completed()
        self._completed.__enter__()
        self._forbid_what_moto_forgives()
        self.api = AwsApi(self.settings(), prepare=self._prepare, timer=self.timer)
        self._furnish()
        return self

    def reset(self) -> Self:
        """An empty account again; much faster than another world."""
        from moto.moto_api._internal.models import moto_api_backend

        moto_api_backend.reset()
        self.faults = _faults()
        self.clock = FakeClock()
        self.quotas.clear()
        self.strictness.forget()
        self.staleness.forget()
        self._furnish()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._completed.__exit__(None, None, None)
        self._moto.stop()

    def settings(self) -> AwsSettings:
        return AwsSettings(region=REGION, access_key_id="test", secret_access_key="test")  # type: ignore[arg-type]

    def aws(self) -> Aws:
        """Fresh parts, as after a restart."""
        retries = Retries(attempts=2, timer=self.timer)
        return Aws(self.settings(), self.cluster, connection=self.api, retries=retries, concurrency=1, boots=False)

    def instances(self) -> Instances:
        return self.aws().instances()

    def routes(self) -> Routes:
        return self.aws().routes()

    def load_balancers(self) -> LoadBalancers:
        return self.aws().load_balancers()

    def machines(self) -> Machines:
        return self.aws().machines()

    def networks(self) -> Networks:
        return self.aws().networks()

    def raw(self, service: str) -> Any:
        """A boto3 client without faults or counting: the account's own side."""
        if service not in self._raw:
            import boto3

            session: Any = boto3
            self._raw[service] = session.client(
                service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
            )
        return self._raw[service]

    def start_instance(self, name: str) -> NodeRef:
        ec2 = self.raw("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        tags = [{"Key": "Name", "Value": name}, {"Key": cluster_tag(self.cluster), "Value": "owned"}]
        made = ec2.run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.small", SubnetId=subnet,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"][0]  # fmt: skip
        data = ec2.describe_instances(InstanceIds=[made["InstanceId"]])["Reservations"][0]["Instances"][0]
        volumes = [entry["Ebs"]["VolumeId"] for entry in data["BlockDeviceMappings"]]
        self._first |= {made["InstanceId"], *volumes}
        zone = data["Placement"]["AvailabilityZone"]
        addresses = node_addresses(data, ["ipv4"])
        return NodeRef(name, f"uid-{name}", provider_id.make(zone, data["InstanceId"]), addresses)

    def stop_instance(self, node: NodeRef) -> None:
        self.raw("ec2").stop_instances(InstanceIds=[_id(node)])

    def terminate_instance(self, node: NodeRef) -> None:
        self.raw("ec2").terminate_instances(InstanceIds=[_id(node)])

    def mutations(self) -> int:
        return len(self.faults.mutations)

    def reads(self) -> int:
        return len(self.faults.reads)

    def left(self) -> Collection[str]:
        return sorted(self._everything() - self._first)

    def crash_after(self, call: int) -> None:
        self.faults.crash_after = len(self.faults.mutations) + call if call else 0

    def lose_answers(self, share: float) -> None:
        self.faults.lost = share

    def throttle(self, share: float) -> None:
        self.faults.throttled = share

    def lag(self, seconds: float) -> None:
        self.staleness.lag = seconds

    def refuse_deletes(self, times: int) -> None:
        self.faults.refused_deletes = times

    def settle(self) -> None:
        self.timer.pause(20)

    def remove_part(self) -> str:
        elb = self.raw("elbv2")
        balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        listener = elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
        elb.delete_listener(ListenerArn=listener)
        return str(listener)

    def keep(self) -> None:
        """What is there now belongs to the account: it is not left by anybody."""
        self._first = self._everything()

    def _furnish(self) -> None:
        make_default_vpc_public(self.raw("ec2"), {cluster_tag(self.cluster): "owned"})
        self._first = self._everything()

    def _everything(self) -> frozenset[str]:
        classic = self.raw("elb").describe_load_balancers()["LoadBalancerDescriptions"]
        older = {f"{e['LoadBalancerName']}:{n}" for e in classic for n in range(1 + len(e["ListenerDescriptions"]))}
        return everything({name: self.raw(name) for name in CLIENTS}) | older

    def _groups(self) -> list[Mapping[str, Any]]:
        groups: list[Mapping[str, Any]] = self.raw("ec2").describe_security_groups()["SecurityGroups"]
        return groups

    def _prepare(self, client: Any) -> None:
        """Hang faults and counting, and AWS's strictness, into a client."""
        events = client.meta.events
        events.register("before-call.*.*", self._before)
        events.register("after-call.*.*", self._after)
        events.register("before-parameter-build.service-quotas.GetServiceQuota", _note)
        events.register("before-call.service-quotas.GetServiceQuota", self._quota)
        self.strictness.attach(client)
        self.staleness.attach(client)
        for operation, rule in self._rules.items():
            events.register(f"before-parameter-build.*.{operation}", _refuse(rule))

    def _quota(self, context: Mapping[str, Any], **_: Any) -> Any:
        """The emulator knows few quotas."""
        wanted = context["wanted"]
        value = self.quotas.get((wanted["ServiceCode"], wanted["QuotaCode"]))
        return None if value is None else (_Answered(), {"Quota": {"Value": float(value)}})

    def _before(self, model: Any, **_: Any) -> None:
        """A call that is throttled never arrives."""
        try:
            self.faults.before(model.name)
        except Throttled as error:
            raise _client_error("RequestLimitExceeded", str(error), model.name) from error
        except StillUsed as error:
            raise _client_error("DependencyViolation", str(error), model.name) from error

    def _after(self, model: Any, http_response: Any, **_: Any) -> None:
        """A call whose answer is lost took effect."""
        from botocore.exceptions import ConnectionClosedError

        if http_response.status_code < 300:
            try:
                self.faults.after(model.name)
            except LostAnswer as error:
                raise ConnectionClosedError(endpoint_url=model.name) from error

    def _forbid_what_moto_forgives(self) -> None:
        self._rules: dict[str, Callable[[Mapping[str, Any]], tuple[str, str] | None]] = {
            "CreateLoadBalancer": self._name_is_taken,
            "CreateListener": self._port_is_taken,
            "DeleteSecurityGroup": self._group_is_used,
            "CreateTags": self._instance_is_unknown,
        }

    def _name_is_taken(self, wanted: Mapping[str, Any]) -> tuple[str, str] | None:
        present = self.raw("elbv2").describe_load_balancers()["LoadBalancers"]
        if any(entry["LoadBalancerName"] == wanted.get("Name") for entry in present):
            return "DuplicateLoadBalancerName", f"A load balancer with the name {wanted['Name']} exists"
        return None

    def _instance_is_unknown(self, wanted: Mapping[str, Any]) -> tuple[str, str] | None:
        ids = [id for id in wanted["Resources"] if id.startswith("i-")]
        if not ids:
            return None
        found = self.raw("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": ids}])["Reservations"]
        known = {entry["InstanceId"] for reservation in found for entry in reservation["Instances"]}
        missing = sorted(set(ids) - known)
        return ("InvalidInstanceID.NotFound", f"{', '.join(missing)} does not exist") if missing else None

    def _port_is_taken(self, wanted: Mapping[str, Any]) -> tuple[str, str] | None:
        present = self.raw("elbv2").describe_listeners(LoadBalancerArn=wanted["LoadBalancerArn"])["Listeners"]
        if any(entry["Port"] == wanted["Port"] for entry in present):
            return "DuplicateListener", f"A listener on port {wanted['Port']} exists"
        return None

    def _group_is_used(self, wanted: Mapping[str, Any]) -> tuple[str, str] | None:
        id = wanted["GroupId"]
        balancers = self.raw("elbv2").describe_load_balancers()["LoadBalancers"]
        users = [entry["LoadBalancerName"] for entry in balancers if id in (entry.get("SecurityGroups") or ())]
        users += [
            group["GroupId"]
            for group in self._groups()
            for permission in group["IpPermissions"]
            if group["GroupId"] != id and any(p["GroupId"] == id for p in permission["UserIdGroupPairs"])
        ]
        return ("DependencyViolation", f"{id} is used by {', '.join(users)}") if users else None


class _Answered:
    """The HTTP side of an answer that never was sent."""

    status_code = 200


def _note(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["wanted"] = dict(params)


def _faults() -> Faults:
    return Faults(mutates=lambda call: not call.startswith(READS))


def _refuse(rule: Callable[[Mapping[str, Any]], tuple[str, str] | None]) -> Callable[..., None]:
    def check(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if refusal := rule(params):
            raise _client_error(*refusal, model.name)

    return check


def _client_error(code: str, message: str, operation: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _id(node: NodeRef) -> str:
    known = provider_id.parse(node.provider_id)
    assert known is not None
    return known.instance
