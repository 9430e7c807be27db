"""Options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloudk8s.cli.output import Format
from cloudk8s.errors import SettingsError, UserError
from cloudk8s.machinery.times import TimeError, parse_duration

if TYPE_CHECKING:
    from cloudk8s.plugin.clouds import CloudsFile


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from cloudk8s import __version__
        from cloudk8s.cli import output
        from cloudk8s.settings import KUBERNETES_VERSION

        output.say(f"Kubernetes v{KUBERNETES_VERSION}.0 (cloudk8s {__version__})")
        raise typer.Exit


Name = Annotated[str, typer.Option("--name", help="The cluster's name.")]
KubeApiQps = Annotated[
    float, typer.Option(min=0, help="Requests a second to the API server in the long run; 0 leaves it to the server.")
]
KubeApiBurst = Annotated[int, typer.Option(min=1, help="How many of these may come at once.")]
Master = Annotated[str, typer.Option(help="URL of the API server, in place of the kubeconfig's.")]
ComponentVersion = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and stop.")
]
UseServiceAccountCredentials = Annotated[
    bool,
    typer.Option(
        "--use-service-account-credentials/--no-use-service-account-credentials",
        help="Let each controller work as a service account of its own.",
    ),
]
DisabledPlugins = Annotated[
    list[str] | None, typer.Option("--disable-plugin", help="A plugin to leave out; may be repeated.")
]
ShutdownGracePeriod = Annotated[
    str, typer.Option(help="How long pods have to end when the host shuts down; 0s leaves them to it.")
]
ShutdownGracePeriodCriticalPods = Annotated[
    str, typer.Option(help="The part of it, at its end, that critical pods have for themselves.")
]
FeatureGates = Annotated[str, typer.Option(help="Features of the API to turn on or off: Name=true,Other=false.")]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print: table, json or yaml.")]


def duration(text: str, flag: str) -> timedelta:
    """A duration as Go components take it: `15s`, `1m30s`. Raises SettingsError."""
    try:
        return parse_duration(text)
    except TimeError as error:
        raise SettingsError(f"{flag}: {error}") from error


def names_in(text: str) -> tuple[str, ...]:
    """What stands in a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def clouds_of(config: Path | None, provider: str) -> CloudsFile:
    """The clouds that a command was given: a file, or one provider with its defaults. Raises UserError for both."""
    from cloudk8s.plugin.clouds import CloudEntry, CloudsFile, load_clouds

    if (config is None) == (not provider):
        raise UserError("say which clouds there are: --config FILE, or --cloud-provider NAME")
    if config is not None:
        return load_clouds(config)
    return CloudsFile(clouds=(CloudEntry(name=provider, provider=provider),))


CsiEndpoints = Annotated[
    list[str] | None,
    typer.Option("--csi-endpoint", help="Socket of a CSI driver whose volumes are made here; may be repeated."),
]
