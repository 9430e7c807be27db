"""Requests as calls of RunInstances: machines that differ by nothing but their name share a call. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.cloud.model.machine import NAMES as NAMES_IN_USER_DATA
from cloudk8s.cloud.model.names import pack
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s.machinery.codec import encode_canonical
from cloudk8s.plugin import MachineRequest, Unsupported
from cloudk8s_aws.api import chunks, tag_list
from cloudk8s_aws.machines.catalog import DEFAULT, architecture_of
from cloudk8s_aws.machines.naming import to_tags
from cloudk8s_aws.ownership import cluster_tag

UIDS, NAMES = "cloudk8s.io/machines", "cloudk8s.io/names"
ROLE, POOL = "cloudk8s.io/role", "cloudk8s.io/machine-pool"
AT_ONCE = 500
"""Machines in one call; what is not available at once fails for all of them."""
USER_DATA = 16384
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{architecture}/hvm/ebs-gp3/ami-id"
ROOT_DEVICE = "/dev/sda1"
OPTIONS = ("keyName", "rootDevice")
"""What `options` of a pool may say: a key pair for ssh, and the device of the root volume in images of one's own."""


def batches(requests: Sequence[MachineRequest]) -> list[Sequence[MachineRequest]]:
    """Requests that one call can serve together."""
    alike: dict[str, list[MachineRequest]] = {}
    for request in requests:
        alike.setdefault(_likeness(request), []).append(request)
    return [part for group in alike.values() for part in chunks(group, AT_ONCE)]


def parameters(batch: Sequence[MachineRequest], tags: Mapping[str, str], *, attempt: int = 0) -> dict[str, Any]:
    """The call for a batch; its token is the same for the same machines, in any process."""
    first = batch[0]
    if (size := len(_user_data(batch))) > USER_DATA:
        raise Unsupported("bootstrap", f"user data of {size} bytes; EC2 takes {USER_DATA}")
    found: dict[str, Any] = {
        "ImageId": image_id(first), "InstanceType": first.type or DEFAULT, "MinCount": len(batch),
        "MaxCount": len(batch),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tag_list({**tags, **_tags(batch)})} for kind in ("instance", "volume")
        ],
    }  # fmt: skip
    if first.user_data:
        found["UserData"] = _user_data(batch).decode("latin-1")
    found |= _place(first.network)
    if first.root_volume_gib:
        found["BlockDeviceMappings"] = [_volume(first)]
    if first.spot:
        found["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}
    if key := first.options.get("keyName"):
        found["KeyName"] = key
    return {**found, "ClientToken": token(batch, found, attempt)}


def image_id(request: MachineRequest) -> str:
    """An AMI's id as it is, `ssm:/path` by parameter, else Ubuntu for the type's architecture."""
    image = request.image
    if image.startswith("ssm:"):
        return f"resolve:{image}"
    return image or f"resolve:ssm:{UBUNTU.format(architecture=architecture_of(request.type))}"


def token(batch: Iterable[MachineRequest], wanted: Mapping[str, Any], attempt: int) -> str:
    """The idempotency token of a batch. EC2 refuses a token that comes with other parameters, so they are part of it;
    and so is how many of these machines have died, for EC2 answers an old token with machines that are gone.
    """
    entry = [[request.token for request in batch], wanted, attempt]
    return hashlib.sha256(encode_canonical(entry)).hexdigest()[:32]


def _user_data(batch: Sequence[MachineRequest]) -> bytes:
    """The machines' user data; each finds its own name by its launch index."""
    return batch[0].user_data.replace(NAMES_IN_USER_DATA, pack([request.name for request in batch]).encode())


def _tags(batch: Sequence[MachineRequest]) -> dict[str, str]:
    first = batch[0]
    name = first.name if len(batch) == 1 else f"{first.cluster}-{first.pool or first.role}"
    identity = {OWNER_TAG: first.uid} if len(batch) == 1 else {}
    return {
        "Name": name, **first.tags, CLUSTER_TAG: first.cluster, cluster_tag(first.cluster): "owned", ROLE: first.role,
        POOL: first.pool, **identity, **to_tags(UIDS, [request.uid for request in batch]),
        **to_tags(NAMES, [request.name for request in batch]),
    }  # fmt: skip


def _place(network: Mapping[str, str]) -> dict[str, Any]:
    """Where in the network; a public address only where the way out needs one."""
    groups = [id for id in network.get("security_groups", "").split(",") if id]
    found: dict[str, Any] = {}
    if network.get("profile"):
        found["IamInstanceProfile"] = {"Name": network["profile"]}
    if not network.get("subnet"):
        return found | ({"SecurityGroupIds": groups} if groups else {})
    if not network.get("public"):
        return found | {"SubnetId": network["subnet"], "SecurityGroupIds": groups}
    card = {"DeviceIndex": 0, "SubnetId": network["subnet"], "Groups": groups, "AssociatePublicIpAddress": True}
    return found | {"NetworkInterfaces": [card]}


def _volume(request: MachineRequest) -> dict[str, Any]:
    device = request.options.get("rootDevice", ROOT_DEVICE)
    volume = {
        "VolumeSize": request.root_volume_gib,
        "VolumeType": "gp3",
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
    return {"DeviceName": device, "Ebs": volume}


def _likeness(request: MachineRequest) -> str:
    """Equal for requests that differ by name and UID only."""
    data = base64.b64encode(request.user_data).decode()
    entry = [
        request.cluster, request.role, request.pool, request.type, request.image, request.zone, dict(request.network),
        data, request.root_volume_gib, request.spot, dict(request.tags), dict(request.options),
    ]  # fmt: skip
    return encode_canonical(entry).decode()
