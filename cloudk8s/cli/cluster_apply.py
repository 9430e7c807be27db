"""`cloudk8s cluster apply`."""

from __future__ import annotations

from cloudk8s.cli.cluster_describe import show
from cloudk8s.cli.cluster_options import (
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
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError


def apply(
    name: OptionalName = "",
    file: File = None,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    timeout: Timeout = "25m",
    format: Output = Format.TABLE,
) -> None:
    """Make a cluster as its file declares; without a file, repair what differs from the last declaration.

    Example: cloudk8s cluster apply -f cluster.yaml
    """
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.state import look

    limit = seconds(timeout)
    name, from_file = named(name, file)
    where = Where.of(provider, offline, settings)
    with working(name, where, declared=from_file, remembers=from_file is not None) as site:
        state = look(site)
        declaration = from_file or state.recorded
        if declaration is None:
            hint = f"make it with: cloudk8s cluster create {name}"
            raise UserError(f'there is no cluster "{name}" on {site.provider}; {hint}')
        show(site, converge(site, declaration, timeout=limit, state=state), format)
