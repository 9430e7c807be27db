"""`cloudk8s cluster kubeconfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.cluster.options import Name, Offline, Provider, Set, Where, open_named
from cloudk8s.cli.options import DisabledPlugins

if TYPE_CHECKING:
    from cloudk8s.provisioning.site import Site
    from cloudk8s.provisioning.state import State


def kubeconfig(
    name: Name,
    merge: Annotated[bool, typer.Option("--merge", help="Merge into the kubeconfig that kubectl uses.")] = False,
    provider: Provider = "",
    offline: Offline = False,
    settings: Set = None,
    disable_plugin: DisabledPlugins = None,
) -> None:
    """Print an administrator's kubeconfig of a cluster, or merge it into yours.

    Example: cloudk8s cluster kubeconfig demo > demo.conf
    """
    from cloudk8s.apiserver import kubeconfig as files
    from cloudk8s.provisioning.access import access_to
    from cloudk8s.provisioning.state import look

    site = open_named(name, Where.of(provider, offline, settings, disable_plugin))
    state = look(site)
    if merge:
        merge_into_yours(site, state)
    else:
        output.say(files.dump(access_to(site, state).as_config()).rstrip())


def merge_into_yours(site: Site, state: State) -> None:
    """Let kubectl find the cluster."""
    from cloudk8s.apiserver import kubeconfig as files
    from cloudk8s.provisioning.access import access_to

    target = files.default_path()
    files.merge(target, access_to(site, state))
    output.step(f'kubectl uses context "{files.context_name(site.cluster)}" of {target}')
