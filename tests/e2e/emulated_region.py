"""A region of an emulated AWS account whose instances are hosts within this host: they boot and have roles.

The account answers by HTTP, where machines reach it, too. Credentials of a role are good for what its policy allows.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from cloudk8s.cloud.model.machine import Machine, MachineRequest
from cloudk8s.cloud.model.network import NetworkRequest
from cloudk8s.cloud.stack.resource import Owner, Stack
from cloudk8s.plugin import Plugins
from cloudk8s.provisioning.site import Site, open_site
from cloudk8s_aws.emulation import completed
from cloudk8s_aws.leaks import CLIENTS, everything

REGION, ACCOUNT = "us-east-1", "123456789012"
TURN_SECONDS = 0.3
CREDENTIALS = "/latest/meta-data/iam/security-credentials/"


class Region:
    """One cluster's. Emulates what the emulator leaves out: booting, addresses, load balancing, metadata, policies."""

    def __init__(self, cluster: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = cluster
        self.allowed: set[str] = set()
        """What credentials of roles were used for."""
        self.denied: list[str] = []
        self._patch, self._stack, self._stopped = monkeypatch, ExitStack(), threading.Event()
        self._host = open_site(Plugins.load(), "local", {"directory": str(directory)}, cluster)
        self._booted: dict[str, str] = {}
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        from moto.moto_api._internal.models import moto_api_backend
        from moto.server import ThreadedMotoServer

        self._lead(())
        self._stack.callback(self._remove_network)
        self._stack.enter_context(completed())
        self._guard()
        server = ThreadedMotoServer(ip_address=self._address, port=0, verbose=False)
        server.start()
        self._stack.callback(server.stop)
        moto_api_backend.reset()  # the emulator's memory is the process's
        self.url = "http://{}:{}".format(*server.get_host_and_port())
        self._patch.setenv("AWS_ACCESS_KEY_ID", "test")
        self._patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        self._metadata = self._serve_metadata()
        self._first = self._everything()
        work = threading.Thread(target=self._work, name="region")
        work.start()
        self._stack.callback(work.join)
        self._stack.callback(self._stopped.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        assert not self._errors, self._errors

    @property
    def settings(self) -> dict[str, Any]:
        """Lead the provider here, as they would lead it to another region."""
        return {"region": REGION, "endpoint_url": self.url}

    def client(self, service: str) -> Any:
        """The account's own side, which may do everything."""
        import boto3

        return boto3.client(service, region_name=REGION, endpoint_url=self.url)  # type: ignore[call-overload]

    def left(self) -> Sequence[str]:
        return sorted(self._everything() - self._first)

    def hosts(self) -> Sequence[str]:
        """Names of the machines that run here."""
        return sorted(machine.name for machine in self._host.machines.list_owned(self.cluster))

    def role_credentials(self, role: str) -> Mapping[str, Any]:
        """As the metadata service hands them to a machine of a role."""
        found = self.client("iam").list_roles(PathPrefix="/cloudk8s/")["Roles"]
        arn = next(entry["Arn"] for entry in found if f"-{role}-" in entry["RoleName"])
        answer: Mapping[str, Any] = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="i-0")["Credentials"]
        return answer

    def _everything(self) -> frozenset[str]:
        return everything({name: self.client(name) for name in CLIENTS})

    def _work(self) -> None:
        """Boot instances that run, end those that do not, and send requests for the API where they shall go."""
        site = open_site(Plugins.load(), "aws", self.settings, self.cluster)
        while not self._stopped.wait(TURN_SECONDS):
            try:
                self._turn(site)
            except Exception as error:  # noqa: BLE001 told by the thread that waits for what this one does
                self._errors.append(error)
                return

    def _turn(self, site: Site) -> None:
        for machine in site.machines.list_owned(self.cluster):
            if machine.state in ("pending", "running") and machine.id not in self._booted:
                self._booted[machine.id] = self._boot(machine)
            elif machine.state not in ("pending", "running") and self._booted.get(machine.id):
                name, self._booted[machine.id] = self._booted[machine.id], ""
                self._host.machines.delete([here for here in self._machines() if here.name == name])
        balancing = self.client("elbv2")
        targets: set[str] = set()
        for group in balancing.describe_target_groups()["TargetGroups"]:
            found = balancing.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
            targets |= {entry["Target"]["Id"] for entry in found["TargetHealthDescriptions"]}
        self._lead([here.id for here in self._machines() if here.name in {self._booted.get(id) for id in targets}])

    def _boot(self, machine: Machine) -> str:
        """From the user data that the account has for it; with an address that leads there."""
        from moto.ec2.models import ec2_backends

        ec2 = self.client("ec2")
        raw = ec2.describe_instances(InstanceIds=[machine.id])["Reservations"][0]["Instances"][0]
        data = ec2.describe_instance_attribute(InstanceId=machine.id, Attribute="userData")["UserData"]["Value"]
        lines = (
            "#!/bin/sh", f"export CLOUDK8S_MACHINE_INDEX={raw['AmiLaunchIndex']}",
            f"export AWS_EC2_METADATA_SERVICE_ENDPOINT={self._metadata}", "",
        )  # fmt: skip
        script = "\n".join(lines).encode() + base64.b64decode(data)
        request = MachineRequest(machine.uid, machine.name, self.cluster, user_data=script, network=self._place)
        made = self._host.machines.create([request])[machine.uid]
        assert isinstance(made, Machine), made
        card: Any = ec2_backends[ACCOUNT][REGION].get_instance(machine.id).nics[0]
        card.private_ip_address = made.addresses[0].address
        for entry in card.private_ip_addresses:
            entry["PrivateIpAddress"] = made.addresses[0].address
        return machine.name

    def _machines(self) -> Sequence[Machine]:
        return self._host.machines.list_owned(self.cluster)

    def _lead(self, members: Sequence[str]) -> None:
        """The bridge of the machines, and the address of their API."""
        networks = self._host.networks
        assert networks is not None
        wanted = NetworkRequest(self.cluster, "here", members=tuple(sorted(members)))
        outcome = self._host.engine.apply(networks.stack(wanted), self._host.engine.observe(self.cluster, "here"))
        assert not outcome.failures
        network = networks.outputs(wanted, outcome.observation)
        self._place = next(iter(network.attachments.values()))
        self._address = str(ipaddress.ip_network(self._place["range"])[1])
        self._endpoint = network.endpoint.rpartition(":")[0]

    def _remove_network(self) -> None:
        self._host.machines.delete(self._machines())
        owner = Owner(self.cluster, "here", self.cluster)
        self._host.engine.apply(Stack(owner), self._host.engine.observe(self.cluster, "here"))

    def _guard(self) -> None:
        """Load balancers have the address of this host's; whoever shows a role's credentials may do what it may."""
        from moto.core.authorization import ActionAuthenticatorMixin, settings
        from moto.elbv2.models import FakeLoadBalancer
        from moto.iam.access_control import IAMPolicy, IAMRequestBase

        known: Callable[..., None] = ActionAuthenticatorMixin._authenticate_and_authorize_action
        read: Callable[..., None] = IAMPolicy.__init__

        def judge(responder: Any, request: type, resource: str = "*") -> None:
            scope = str(dict(responder.headers).get("Authorization", "")).partition("Credential=")[2].split("/")
            if not scope[0].startswith("ASIA"):
                return
            asked = f"{scope[3]}:{responder._get_action()}"
            try:
                known(responder, request, resource)
            except Exception:
                self.denied.append(asked)
                raise
            self.allowed.add(asked)

        def widen(policy: Any, document: Any) -> None:
            """The emulator asks about actions only, and calls one service by another name."""
            read(policy, document)
            for statement in policy._policy_json["Statement"]:
                statement["Resource"] = "*"
                statement["Action"] = [*statement["Action"], *_other_names(statement["Action"])]

        patch = self._patch.setattr
        patch(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
        patch(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", judge)
        patch(IAMRequestBase, "check_signature", lambda request: None)
        patch(IAMPolicy, "__init__", widen)
        patch(FakeLoadBalancer, "dns_name", property(lambda _: self._endpoint, lambda *_: None), raising=False)

    def _serve_metadata(self) -> str:
        """Credentials of the role of the machine that asks; all but workers are told those of the control plane."""
        region = self

        class Metadata(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._answer("token")

            def do_GET(self) -> None:
                workers = {m.addresses[0].address for m in region._machines() if "control-plane" not in m.name}
                role = "worker" if self.client_address[0] in workers else "control-plane"
                is_listing = self.path == CREDENTIALS
                self._answer(role if is_listing else json.dumps(_as_metadata(region.role_credentials(role))))

            def _answer(self, text: str) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer((self._address, 0), Metadata)
        threading.Thread(target=server.serve_forever, name="metadata", daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        return f"http://{self._address}:{server.server_port}"


def _other_names(actions: Sequence[str]) -> list[str]:
    return [f"tagging:{action[4:]}" for action in actions if action.startswith("tag:")]


def _as_metadata(credentials: Mapping[str, Any]) -> dict[str, str]:
    when = credentials["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": when,
        "AccessKeyId": credentials["AccessKeyId"], "SecretAccessKey": credentials["SecretAccessKey"],
        "Token": credentials["SessionToken"],
    }  # fmt: skip
