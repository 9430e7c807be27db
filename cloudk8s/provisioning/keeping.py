"""Keep a cluster as declared: converge again and again, so that what breaks is mended without anybody looking."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.cloud.stack.timing import Timer
from cloudk8s.errors import CloudK8sError, UserError
from cloudk8s.provisioning.progress import Event, Report
from cloudk8s.provisioning.settling import Busy


def keep(turn: Callable[[], None], *, every: float, timer: Timer, report: Report, turns: int = 0) -> None:
    """Take turn after turn, `turns` of them or until interrupted.

    A turn that fails is told and taken again after the pause; only a mistake of the user ends it all.
    """
    taken = 0
    while not turns or taken < turns:
        taken += 1
        try:
            turn()
        except Busy as error:
            report(Event("waiting", "this turn", str(error)))
        except UserError:
            raise
        except (CloudK8sError, OSError) as error:
            report(Event("failed", "this turn", str(error)))
        timer.pause(every)
