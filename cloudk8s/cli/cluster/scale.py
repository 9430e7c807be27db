"""`cloudk8s cluster scale`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudk8s.cli.cluster.describe import show
from cloudk8s.cli.cluster.options import (
    ControlPlanes,
    Name,
    Offline,
    Provider,
    Set,
    Timeout,
    Where,
    changed,
    look_at,
    seconds,
    working,
)
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration


def scale(
    name: Name,
    workers: Annotated[int | None, typer.Option(help="Machines of the pool.", min=0)] = None,
    pool: Annotated[str, typer.Option(help="Which pool; the only one if there is one.")] = "",
    control_plane: ControlPlanes = None,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
    timeout: Timeout = "25m",
    format: Output = Format.TABLE,
) -> None:
    """Change how many machines a pool, or the control plane, has.

    Example: cloudk8s cluster scale demo --workers 5
    """
    from cloudk8s.provisioning.converging import converge
    from cloudk8s.provisioning.declaration.cluster import resized

    limit = seconds(timeout)
    if workers is None and control_plane is None:
        raise UserError("say how many: --workers N or --control-plane N")
    with working(name, Where.of(provider, offline, settings, disable_plugin), format=format) as site:
        state, wanted = look_at(site)
        changes: dict[str, Any] = {} if control_plane is None else {"controlPlane.replicas": control_plane}
        if workers is not None:
            wanted = resized(wanted, {pool_named(wanted, pool): workers})
        show(site, converge(site, changed(wanted, changes), timeout=limit, state=state), format)


def pool_named(declaration: ClusterDeclaration, name: str) -> str:
    """The pool that is meant: the only one where none is named."""
    names = [pool.name for pool in declaration.pools]
    if not name and len(names) != 1:
        raise UserError(f"which pool? Say --pool, one of {', '.join(names) or 'none'}")
    if name and name not in names:
        raise UserError(f"there is no pool {name!r}; there is {', '.join(names) or 'none'}")
    return name or names[0]
