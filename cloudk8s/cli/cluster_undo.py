"""`cloudk8s cluster undo`."""

from __future__ import annotations

from cloudk8s.cli.cluster_describe import show
from cloudk8s.cli.cluster_options import Name, Offline, Provider, Set, Timeout, Where, seconds, working
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError


def undo(
    name: Name,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    timeout: Timeout = "25m",
    format: Output = Format.TABLE,
) -> None:
    """Go back to what was declared before the last change; once more undoes the undoing.

    Example: cloudk8s cluster undo demo
    """
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.state import look
    from cloudk8s.provisioning.versions import check_upgrade

    limit = seconds(timeout)
    with working(name, Where.of(provider, offline, settings), format=format) as site:
        state = look(site)
        if state.recorded is None:
            raise UserError(f'there is no cluster "{name}" on {site.provider}')
        previous = state.recorded.previous
        if previous is None:
            raise UserError(f'cluster "{name}" was never changed: there is nothing to go back to')
        check_upgrade(state.recorded.version, previous.version)
        show(site, converge(site, previous, timeout=limit, state=state), format)
