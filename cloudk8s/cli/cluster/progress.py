"""What people and programs are told while a cluster is worked on; to standard error, so that results can be piped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloudk8s.cli import output
from cloudk8s.cli.output import Format
from cloudk8s.errors import CloudK8sError

if TYPE_CHECKING:
    from cloudk8s.provisioning.progress import Event

STOPPED = "nothing is lost: run the command again to go on"


class Teller:
    """One line for each event, with JSON as an object; safe to call from threads.

    A quiet one says nothing where nothing was done.
    """

    def __init__(self, *, quiet: bool = False, format: Format = Format.TABLE) -> None:
        self._lock = threading.Lock()
        self._is_idle = quiet
        self._format = format

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._is_idle and event.kind == "done":
                return
            self._is_idle = False
            if self._format is Format.JSON:
                output.event(event.as_dict())
            else:
                _tell(event)

    @contextmanager
    def ending(self, cluster: str) -> Iterator[None]:
        """Tell also how work ends that does not end well."""
        from cloudk8s.provisioning.progress import Event

        try:
            yield
        except KeyboardInterrupt:
            self(Event("stopped", f"cluster {cluster}", STOPPED))
            raise
        except (CloudK8sError, OSError) as error:
            if self._format is Format.JSON:  # people are told by whoever runs the command
                self(Event("error", f"cluster {cluster}", str(error)))
            raise


def _tell(event: Event) -> None:
    detail = f"  {event.detail}" if event.detail else ""
    if event.kind == "waiting":
        output.note(f"waiting for {event.subject}: {event.detail}")
    elif event.kind == "failed":
        output.note(f"{event.subject} failed, trying again: {event.detail}")
    elif event.kind == "stopped":
        output.note(f"stopped; {event.detail}")
    elif event.kind == "note":
        output.note(event.detail)
    elif event.kind == "done":
        output.step(f"{event.subject} {event.detail}")
    else:
        output.step(f"{event.kind} {event.subject}{detail}")
