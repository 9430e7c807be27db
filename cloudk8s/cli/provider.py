"""`cloudk8s provider`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format

provider = typer.Typer(
    no_args_is_help=True, help="Cloud providers: what there is, and your own.", rich_markup_mode=None
)
CONTRACTS = ("instances", "routes", "load_balancers", "machines", "networks", "volumes")


@provider.command("list")
def list_providers(format: Output = Format.TABLE) -> None:
    """List the cloud providers that are installed, and the contracts that they implement.

    Example: cloudk8s provider list
    """
    from cloudk8s.plugin.manager import Plugins

    plugins = Plugins.load()
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


@provider.command()
def describe(name: Annotated[str, typer.Argument(help="The provider.")], format: Output = Format.TABLE) -> None:
    """Show a provider's settings, their defaults and what they mean.

    Example: cloudk8s provider describe aws
    """
    from cloudk8s.plugin.description import describe_settings
    from cloudk8s.plugin.manager import Plugins

    rows = describe_settings(Plugins.load().settings_model(name))
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
    name: Annotated[str, typer.Argument(help="The provider.")],
    format: Output = Format.TABLE,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show each check as it runs.")] = False,
) -> None:
    """Run the contract suite on a provider. Exit code 1 unless everything passes.

    Example: cloudk8s provider check simulated
    """
    from cloudk8s.testing.contract.check import check_provider

    report = check_provider(name, verbose=verbose)
    if format is Format.TABLE:
        titles = ("contract", "passed", "failed", "skipped")
        rows = [dict(zip(titles, row, strict=True)) for row in report.table()]
        output.show(rows, format, {title.upper(): title for title in titles})
        for one in report.checks:
            if one.result == "failed":
                output.error(f"{one.contract}.{one.name}: {one.detail}")
    else:
        output.show(report.as_dict(), format)
    if not report.passed:
        raise typer.Exit(1)
    output.step(f"provider {name!r} keeps the contracts")
