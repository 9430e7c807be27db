"""`cloudk8s cluster apply`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.describe import show
from cloudk8s.cli.cluster.making import make
from cloudk8s.cli.cluster.options import (
    File,
    Offline,
    OptionalName,
    Provider,
    Set,
    Timeout,
    Where,
    named,
    seconds,
    working,
)
from cloudk8s.cli.cluster.progress import Teller
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration


def apply(
    name: OptionalName = "",
    file: File = None,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Timeout = "25m",
    watch: Annotated[
        str, typer.Option(help="Go on for ever, and look again this often: 30s, 5m. What breaks is mended.")
    ] = "",
    format: Output = Format.TABLE,
) -> None:
    """Make a cluster as its file declares; without a file, repair what differs from the last declaration.

    Example: cloudk8s cluster apply -f cluster.yaml
    """
    limit = seconds(timeout)
    name, from_file = named(name, file)
    work = Work(name, Where.of(provider, offline, settings, disable_plugin), limit, format, file)
    work.turn(from_file, is_first=True)
    if watch:
        from cloudk8s.cloud.stack.timing import SystemTimer
        from cloudk8s.provisioning.keeping import keep

        pause, timer = seconds(watch, "--watch"), SystemTimer()
        output.step(f"{name} is looked after every {watch} until this is stopped")
        timer.pause(pause)
        keep(lambda: work.turn(None, is_first=False), every=pause, timer=timer, report=Teller(format=format))


@dataclass(frozen=True, slots=True)
class Work:
    """What is done at every turn; between turns other commands may work on the cluster, and change what is declared."""

    name: str
    where: Where
    limit: float
    format: Format
    file: Path | None = None
    """The cluster file."""
    remedied: dict[str, set[str]] = field(default_factory=dict)
    """What was replaced in vain, by pool, in earlier turns."""

    def turn(self, from_file: ClusterDeclaration | None, *, is_first: bool) -> None:
        """Converge once."""
        from cloudk8s.provisioning.declaration.cluster import sized
        from cloudk8s.provisioning.state import look

        remembers = from_file is not None
        with working(
            self.name, self.where, declared=from_file, remembers=remembers, quiet=not is_first, format=self.format
        ) as site:
            state = look(site)
            declaration = sized(from_file, state.recorded) if from_file is not None else state.recorded
            if declaration is None:
                hint = f"make it with: cloudk8s cluster create {self.name}"
                raise UserError(f'there is no cluster "{self.name}" on {site.provider}; {hint}')
            file = self.file if from_file else None
            state = make(site, declaration, state, timeout=self.limit, file=file, remedied=self.remedied)
            if is_first:
                show(site, state, self.format)
