"""Say of a ValidatingAdmissionPolicy that it has been looked at.

Expressions are checked for syntax when the policy is written; types are not checked here, so no warnings come of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, name_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import VALIDATING_ADMISSION_POLICIES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import NotFound

NAME: Final = "validatingadmissionpolicy-status-controller"


class PolicyStatusController:
    """Follows the generation of policies."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue(
            "validating_admission_policy_status", clock=context.clock, instruments=context.instruments
        )
        self._policies = context.informers.of(VALIDATING_ADMISSION_POLICIES)
        self._policies.add_handler(self._changed)

    async def run(self) -> None:
        workers = self._context.options.concurrent_validating_admission_policy_status_syncs
        await run_workers(self._queue, workers, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        policy = self._policies.get(name)
        if policy is None or _generation(policy) <= int(status_of(policy).get("observedGeneration") or 0):
            return None
        patch = {
            "apiVersion": VALIDATING_ADMISSION_POLICIES.api_version,
            "kind": VALIDATING_ADMISSION_POLICIES.kind,
            "metadata": {"name": name_of(policy)},
            "status": {"observedGeneration": _generation(policy), "typeChecking": {}},
        }
        try:
            await self._context.client.patch(
                VALIDATING_ADMISSION_POLICIES,
                name,
                patch,
                type="apply",
                subresource="status",
                field_manager=NAME,
                force=True,
            )
        except NotFound:
            return None
        return None


def _generation(policy: Object) -> int:
    return int(policy["metadata"].get("generation") or 0)
