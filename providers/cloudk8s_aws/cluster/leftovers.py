"""What controllers of workloads left in the account: found by the tags that upstream's write, deleted when nobody runs.

CSI drivers and the cloud provider write `kubernetes.io/cluster/<name>: owned`, the AWS Load Balancer Controller
`elbv2.k8s.aws/cluster: <name>`. What carries an owner of ours is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s.plugin import CloudNotFound, Fate, Leftover, LeftoverKind
from cloudk8s_aws.api import AwsApi, chunks, tag_list, tags_of
from cloudk8s_aws.ownership import cluster_tag

CONTROLLER_TAG = "elbv2.k8s.aws/cluster"
FATE_TAG = "cloudk8s.io/on-delete"
NAMES = ("kubernetes.io/created-for/pv/name", "CSIVolumeName", "CSIVolumeSnapshotName", "kubernetes.io/service-name")
ASKED = ["ec2:volume", "ec2:snapshot", "ec2:security-group", "ec2:network-interface",
         "elasticloadbalancing:loadbalancer", "elasticloadbalancing:targetgroup"]  # fmt: skip
ORDER: Sequence[tuple[str, LeftoverKind]] = (
    (":loadbalancer/", "load balancer"), (":targetgroup/", "target group"),
    (":network-interface/", "network interface"), (":volume/", "volume"), (":snapshot/", "snapshot"),
    (":security-group/", "security group"),
)  # fmt: skip
TAGGED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Leftovers:
    """See `cloudk8s.cloud.interface.SweepsWorkloads`."""

    api: AwsApi

    def found(self, cluster: str) -> Sequence[Leftover]:
        """By both tags, each once, in the order in which they can go."""
        tagged = {**self._tagged(cluster_tag(cluster), "owned"), **self._tagged(CONTROLLER_TAG, cluster)}
        found = [entry for arn, tags in sorted(tagged.items()) for entry in _read(arn, tags)]
        kinds = [kind for _, kind in ORDER]
        return sorted(found, key=lambda entry: (kinds.index(entry.kind), entry.id))

    def write_down(self, cluster: str, fates: Mapping[str, Fate]) -> None:
        """The cluster's tag, and the fate, so that they are known when the cluster's API is gone."""
        ours = {id: fate for id, fate in fates.items() if id.startswith(("vol-", "snap-"))}
        for fate in ("delete", "keep"):
            tags = tag_list({cluster_tag(cluster): "owned", FATE_TAG: fate})
            for ids in chunks(sorted(id for id, each in ours.items() if each == fate), TAGGED_AT_ONCE):
                self._tag(ids, tags)

    def delete(self, leftover: Leftover) -> None:
        deletions: Mapping[LeftoverKind, Callable[[str], object]] = {
            "load balancer": self._delete_balancer,
            "target group": lambda id: self.api.call("elbv2", "delete_target_group", TargetGroupArn=id),
            "network interface": lambda id: self.api.call("ec2", "delete_network_interface", NetworkInterfaceId=id),
            "volume": lambda id: self.api.call("ec2", "delete_volume", VolumeId=id),
            "snapshot": lambda id: self.api.call("ec2", "delete_snapshot", SnapshotId=id),
            "security group": self._delete_group,
        }
        try:
            deletions[leftover.kind](leftover.id)
        except CloudNotFound:
            return

    def _tag(self, ids: Sequence[str], tags: Sequence[Mapping[str, str]]) -> None:
        """All at once; one by one where some are not there, for one such fails all."""
        try:
            self.api.call("ec2", "create_tags", Resources=list(ids), Tags=tags)
        except CloudNotFound:
            for id in ids if len(ids) > 1 else ():
                self._tag([id], tags)

    def _tagged(self, key: str, value: str) -> dict[str, dict[str, str]]:
        listed = self.api.pages(
            "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList",
            TagFilters=[{"Key": key, "Values": [value]}], ResourceTypeFilters=ASKED,
        )  # fmt: skip
        return {entry["ResourceARN"]: tags_of(entry) for entry in listed}

    def _delete_balancer(self, arn: str) -> None:
        name = arn.partition(":loadbalancer/")[2]
        if "/" in name:
            self.api.call("elbv2", "delete_load_balancer", LoadBalancerArn=arn)
        else:
            self.api.call("elb", "delete_load_balancer", LoadBalancerName=name)

    def _delete_group(self, id: str) -> None:
        """Without its rules first: two groups that name each other could never go."""
        group = self.api.call("ec2", "describe_security_groups", GroupIds=[id])["SecurityGroups"][0]
        if rules := [rule for rule in group["IpPermissions"] if rule.get("UserIdGroupPairs")]:
            self.api.call("ec2", "revoke_security_group_ingress", GroupId=id, IpPermissions=rules)
        self.api.call("ec2", "delete_security_group", GroupId=id)


def _read(arn: str, tags: Mapping[str, str]) -> Iterator[Leftover]:
    """Nothing for what has an owner of ours, and for root volumes, which go with their machines."""
    if OWNER_TAG in tags or "cloudk8s.io/cluster" in tags:
        return
    for part, kind in ORDER:
        if part in arn:
            id = arn if ":elasticloadbalancing:" in arn else arn.rpartition("/")[2]
            name = next((tags[key] for key in NAMES if key in tags), "")
            fate = tags.get(FATE_TAG, "")
            yield Leftover(kind, id, name, "keep" if fate == "keep" else "delete" if fate == "delete" else "")
