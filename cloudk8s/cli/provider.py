"""`cloudk8s provider`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import DisabledPlugins, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

provider = typer.Typer(
    no_args_is_help=True, help="Cloud providers: what there is, and your own.", rich_markup_mode=None
)
Provider = Annotated[str, typer.Argument(help="The provider.")]
CONTRACTS = ("instances", "routes", "load_balancers", "machines", "networks", "volumes")


@provider.command("list")
def list_providers(format: Output = Format.TABLE, disable_plugin: DisabledPlugins = None) -> None:
    """List the cloud providers that are installed, and the contracts that they implement.

    Example: cloudk8s provider list
    """
    from cloudk8s.plugin.manager import Plugins

    plugins = Plugins.load(disabled=disable_plugin or ())
    rows = [
        {
            "name": info.name,
            "distribution": info.distribution,
            "version": info.version,
            "contracts": [name for name in CONTRACTS if f"cloudk8s_{name}" in info.hooks],
        }
        for info in plugins.describe()
        if info.name in plugins.providers
    ]
    columns = {"NAME": "name", "DISTRIBUTION": "distribution", "VERSION": "version", "CONTRACTS": "contracts"}
    if format is Format.TABLE:
        rows = [row | {"contracts": ", ".join(row["contracts"])} for row in rows]
    output.show(rows, format, columns)


@provider.command("iam-policy")
def iam_policy(name: Provider, format: Output = Format.JSON, disable_plugin: DisabledPlugins = None) -> None:
    """Print the least permissions that an account must grant, so that clusters can be made in it.

    Example: cloudk8s provider iam-policy aws > policy.json
    """
    from cloudk8s.plugin.manager import Plugins

    document = Plugins.load(disabled=disable_plugin or ()).permissions(name)
    if document is None:
        raise UserError(f"provider {name!r} does not tell which permissions it needs")
    output.show(document, Format.JSON if format is Format.TABLE else format)


@provider.command()
def describe(name: Provider, format: Output = Format.TABLE, disable_plugin: DisabledPlugins = None) -> None:
    """Show a provider's settings, their defaults and what they mean.

    Example: cloudk8s provider describe aws
    """
    from cloudk8s.plugin.description import describe_settings
    from cloudk8s.plugin.manager import Plugins

    rows = describe_settings(Plugins.load(disabled=disable_plugin or ()).settings_model(name))
    output.show(rows, format, {"SETTING": "name", "DEFAULT": "default", "MEANING": "description"})


@provider.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the package: lower-case letters, digits, underscores.")],
    directory: Annotated[
        Path | None, typer.Option(help="Where to write it; a directory of that name if empty.")
    ] = None,
) -> None:
    """Write a complete, typed, passing plugin project to start from.

    Example: cloudk8s provider new mycloud && pip install -e mycloud && cloudk8s provider check mycloud
    """
    from cloudk8s.plugin.scaffold.writing import write_provider

    target = directory or Path(f"cloudk8s-{name.replace('_', '-')}")
    for path in write_provider(name, target):
        output.say(str(path))
    output.step(f"next: pip install -e {target} && cloudk8s provider check {name}")


@provider.command()
def check(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="One provider or more.")],
    format: Output = Format.TABLE,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show each check as it runs.")] = False,
) -> None:
    """Run the contract suite on providers. Exit code 1 unless everything passes.

    Example: cloudk8s provider check simulated local aws libcloud
    """
    from cloudk8s.testing.contract.check import check_provider, compare

    reports = [check_provider(name, verbose=verbose) for name in names]
    if format is not Format.TABLE:
        found = [report.as_dict() for report in reports]
        output.show(found[0] if len(found) == 1 else found, format)
    else:
        columns = {name.upper(): name for name in ("contract", *names)}
        output.show(compare(reports), format, columns)
        for report in reports:
            for one in report.checks:
                if one.result == "failed":
                    output.error(f"{report.provider}: {one.contract}.{one.name}: {one.detail}")
    if not all(report.passed for report in reports):
        raise typer.Exit(1)
    kept = " and ".join(repr(name) for name in names)
    output.step(f"provider {kept} keeps the contracts" if len(names) == 1 else f"providers {kept} keep the contracts")
