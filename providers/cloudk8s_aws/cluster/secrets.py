"""The seed of a cluster's secrets, as an encrypted parameter of the account."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.cloud.stack.resource import CLUSTER_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, tag_list
from cloudk8s_aws.errors import Taken


@dataclass(frozen=True, slots=True)
class Secrets:
    """One parameter for each cluster; free of charge, encrypted with the account's own key."""

    api: AwsApi

    def read(self, cluster: str) -> bytes | None:
        """The seed, if there is one."""
        try:
            found = self.api.call("ssm", "get_parameter", Name=_name(cluster), WithDecryption=True)
        except CloudNotFound:
            return None
        return bytes.fromhex(found["Parameter"]["Value"])

    def keep(self, cluster: str, value: bytes) -> bytes:
        """Keep it, unless another process was first: then that one's is the cluster's."""
        try:
            self.api.call(
                "ssm", "put_parameter", Name=_name(cluster), Value=value.hex(), Type="SecureString",
                Description=f"what all secrets of cluster {cluster} are derived from",
                Tags=tag_list({CLUSTER_TAG: cluster}),
            )  # fmt: skip
        except Taken:
            return self.read(cluster) or value
        return value

    def forget(self, cluster: str) -> None:
        """Delete it; absent is success."""
        try:
            self.api.call("ssm", "delete_parameter", Name=_name(cluster))
        except CloudNotFound:
            return


def _name(cluster: str) -> str:
    return f"/cloudk8s/{cluster}/seed"
