"""How a command ends: 0 done, 1 failed, 2 the user's mistake; never a traceback for either."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.cli import output
from cloudk8s.errors import CloudK8sError, UserError


def code_of(work: Callable[[], object]) -> int:
    """Do the work; what was wrong is said in one line."""
    try:
        work()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except UserError as error:
        output.error(str(error))
        return 2
    except (CloudK8sError, OSError) as error:
        output.error(str(error))
        return 1
    return 0
