"""`cloudk8s lb`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format

lb = typer.Typer(
    no_args_is_help=True, help="Load balancers of Services, as the clouds have them.", rich_markup_mode=None
)

Config = Annotated[Path | None, typer.Option(help="The clouds and their settings.")]
Provider = Annotated[str, typer.Option(help="One provider with its default settings, in place of --config.")]
Kubeconfig = Annotated[Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")]


@lb.command()
def plan(
    config: Config = None, cloud_provider: Provider = "", kubeconfig: Kubeconfig = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Only this one.")] = "",
    service: Annotated[str, typer.Option(help="Only Services of this name.")] = "",
    disable_plugin: DisabledPlugins = None, format: Output = Format.TABLE,
) -> None:  # fmt: skip
    """Show what the service controller would do now, for every Service or one. Exit code 0: nothing, 2: changes.

    Example: cloudk8s lb plan --config clouds.yaml --namespace shop
    """
    from cloudk8s.cli.options import clouds_of
    from cloudk8s.controlplane.load_balancers import plans
    from cloudk8s.controlplane.loop import result_of

    clouds = clouds_of(config, cloud_provider)
    found = result_of(
        plans(clouds, kubeconfig, namespace=namespace, name=service, disabled_plugins=disable_plugin or ())
    )
    if format is Format.TABLE:
        for entry in found:
            output.say(str(entry))
    else:
        output.show([entry.as_dict() for entry in found], format)
    if any(entry.error for entry in found):
        raise typer.Exit(1)
    if any(entry.has_changes for entry in found):
        raise typer.Exit(2)
    output.step("nothing to do")


@lb.command()
def gc(
    config: Config = None, cloud_provider: Provider = "", kubeconfig: Kubeconfig = None,
    apply: Annotated[bool, typer.Option("--apply", help="Delete them; without it they are only shown.")] = False,
    disable_plugin: DisabledPlugins = None, format: Output = Format.TABLE,
) -> None:  # fmt: skip
    """Find load balancers of this cluster that no Service owns any more. Exit code 2 where some are left.

    Example: cloudk8s lb gc --config clouds.yaml --apply
    """
    from cloudk8s.cli.options import clouds_of
    from cloudk8s.controlplane.load_balancers import collect
    from cloudk8s.controlplane.loop import result_of

    clouds = clouds_of(config, cloud_provider)
    orphans, failed = result_of(collect(clouds, kubeconfig, apply=apply, disabled_plugins=disable_plugin or ()))
    if format is Format.TABLE:
        for orphan in orphans:
            output.say(str(orphan))
    else:
        output.show([orphan.as_dict() for orphan in orphans], format)
    for uid, error in failed.items():
        output.error(f"Service {uid}: {error}")
    if failed:
        raise typer.Exit(1)
    if orphans and not apply:
        raise typer.Exit(2)
    output.step(f"{len(orphans)} deleted" if orphans else "nothing is left over")
