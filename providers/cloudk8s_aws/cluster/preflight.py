"""What would fail later, found out before anything is made, and all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cloudk8s.plugin import CloudError, CloudForbidden, Finding, MachineRequest, NetworkRequest
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.checks.names import taken
from cloudk8s_aws.cluster.checks.offerings import missing
from cloudk8s_aws.cluster.checks.permissions import HINT, doubtful, forbidden
from cloudk8s_aws.cluster.checks.quotas import Quotas
from cloudk8s_aws.cluster.checks.ranges import clashes

Check = Callable[[], Iterator[Finding]]
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Preflight:
    """The looks of one cluster; reads and dry runs only."""

    api: AwsApi
    request: NetworkRequest
    machines: Sequence[MachineRequest]

    def findings(self) -> list[Finding]:
        """Everything that was found; what could not be found out is no finding."""
        quotas = Quotas(self.api, self.request, self.machines)
        api, request, machines = self.api, self.request, self.machines
        checks: Sequence[Check] = (
            lambda: forbidden(api, request, machines), lambda: doubtful(api, request), lambda: clashes(api, request),
            lambda: taken(api, request), quotas.networks, quotas.addresses, quotas.balancers, quotas.processors,
            lambda: missing(api, request, machines),
        )  # fmt: skip
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="preflight") as pool:
            return [finding for found in pool.map(_of, checks) for finding in found]


def _of(check: Check) -> list[Finding]:
    try:
        return list(check())
    except CloudForbidden as error:
        return [Finding("permission", f"{error}; {HINT}")]
    except CloudError:
        return []
