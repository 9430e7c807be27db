"""Where in AWS's network an instance stands: labels by which training jobs keep their pods close together."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from cloudk8s.plugin import CloudError, CloudForbidden, CloudNotFound, Unsupported
from cloudk8s_aws.api import AwsApi, chunks

LAYER = "topology.k8s.aws/network-node-layer-"
FAMILIES = re.compile(r"^(hpc|trn|p)\d")
"""Types that AWS tells the place of, and that are bought for it."""
AT_ONCE = 100
OFF_SECONDS = 24 * 3600.0
log = logging.getLogger(__name__)


class Topology:
    """Asked about once for each instance; where AWS does not tell, it is not asked again for a day."""

    def __init__(self, api: AwsApi, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, Mapping[str, str]] = {}
        self._off_until = float("-inf")

    def labels(self, types: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
        """Labels by instance id, for those of `types` (id to type) whose place is known. Never raises for AWS."""
        wanted = [id for id, type in types.items() if FAMILIES.match(type)]
        with self._lock:
            missing = [id for id in wanted if id not in self._known]
            if missing and self._monotonic() >= self._off_until:
                self._read(sorted(missing))
            return {id: self._known[id] for id in wanted if id in self._known}

    def _read(self, ids: Iterable[str]) -> None:
        for part in chunks(sorted(ids), AT_ONCE):
            try:
                answer = self._api.call("ec2", "describe_instance_topology", InstanceIds=list(part))
            except (Unsupported, CloudForbidden) as error:
                self._off_until = self._monotonic() + OFF_SECONDS
                log.warning("places of instances are not told here: %s", error)
                return
            except CloudNotFound:
                log.info("an instance is gone; its place is asked for with the next look")
                return
            except CloudError as error:
                log.warning("places of instances can't be read now: %s", error)
                return
            for entry in answer.get("Instances") or ():
                layers = enumerate(entry.get("NetworkNodes") or (), start=1)
                self._known[entry["InstanceId"]] = {f"{LAYER}{number}": node for number, node in layers}
