"""Go back to an earlier revision, as the annotation asks that old clients write."""

from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, name_of, spec_of
from cloudk8s.client.resources import DEPLOYMENTS
from cloudk8s.controllers.deployment.annotations import NOT_COPIED, ROLLBACK_TO, revision
from cloudk8s.controllers.deployment.state import State
from cloudk8s.controllers.deployment.template import is_same, without_label
from cloudk8s.machinery import codec


async def roll_back(state: State) -> None:
    """Go back to the revision that the annotation asks for (0: the last one), then remove the annotation."""
    wanted = _integer(annotations_of(state.deployment)[ROLLBACK_TO])
    earlier = sorted(state.sets, key=revision)
    if wanted == 0:
        wanted = revision(earlier[-2]) if len(earlier) > 1 else 0
        if wanted == 0:
            message = "Unable to find last revision."
            state.events.warning(state.deployment, "DeploymentRollbackRevisionNotFound", message)
    target = next((item for item in earlier if wanted and revision(item) == wanted), None)
    changed = codec.copy(state.deployment)
    del changed["metadata"]["annotations"][ROLLBACK_TO]
    if target is not None:
        _take_template(state, changed, target, wanted)
    elif wanted:
        message = "Unable to find the revision to rollback to."
        state.events.warning(state.deployment, "DeploymentRollbackRevisionNotFound", message)
    await state.client.update(DEPLOYMENTS, changed)


def _take_template(state: State, changed: Object, target: Object, number: int) -> None:
    if is_same(spec_of(target)["template"], spec_of(changed)["template"]):
        message = f'The rollback revision contains the same template as current deployment "{name_of(changed)}"'
        state.events.warning(state.deployment, "DeploymentRollbackTemplateUnchanged", message)
        return
    changed["spec"]["template"] = codec.copy(without_label(spec_of(target)["template"]))
    kept = {k: v for k, v in annotations_of(changed).items() if k in NOT_COPIED}
    copied = {k: v for k, v in annotations_of(target).items() if k not in NOT_COPIED}
    changed["metadata"]["annotations"] = kept | copied
    message = f'Rolled back deployment "{name_of(changed)}" to revision {number}'
    state.events.normal(state.deployment, "DeploymentRollback", message)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
