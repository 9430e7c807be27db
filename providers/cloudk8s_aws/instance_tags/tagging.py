"""Tag many instances in few calls; one that is not there spoils no other's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from cloudk8s.plugin import CloudError, CloudNotFound
from cloudk8s_aws.api import AwsApi, chunks, tag_list

AT_ONCE = 50


def mark_of(tags: Mapping[str, str]) -> str:
    """Stands for the tags in a node's label."""
    text = ",".join(f"{key}={value}" for key, value in sorted(tags.items()))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class InstanceTagger:
    """Blocking and idempotent."""

    def __init__(self, api: AwsApi, tags: Mapping[str, str]) -> None:
        self._api = api
        self.tags = dict(tags)

    def tag(self, instances: Sequence[str]) -> Mapping[str, CloudError]:
        """Put the tags on; what went wrong, by instance."""
        return self._each("create_tags", instances)

    def untag(self, instances: Sequence[str]) -> Mapping[str, CloudError]:
        """Take them off; an instance that is gone has none."""
        failed = self._each("delete_tags", instances)
        return {id: error for id, error in failed.items() if not isinstance(error, CloudNotFound)}

    def _each(self, operation: str, instances: Sequence[str]) -> dict[str, CloudError]:
        failed: dict[str, CloudError] = {}
        for part in chunks(sorted(instances), AT_ONCE):
            try:
                self._call(operation, part)
            except CloudError as error:
                failed |= self._one_by_one(operation, part) if len(part) > 1 else {part[0]: error}
        return failed

    def _one_by_one(self, operation: str, instances: Sequence[str]) -> dict[str, CloudError]:
        failed: dict[str, CloudError] = {}
        for instance in instances:
            try:
                self._call(operation, [instance])
            except CloudError as error:
                failed[instance] = error
        return failed

    def _call(self, operation: str, instances: Sequence[str]) -> None:
        self._api.call("ec2", operation, Resources=list(instances), Tags=tag_list(self.tags))
