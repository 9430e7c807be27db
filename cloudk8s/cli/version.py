"""`cloudk8s version`."""

from __future__ import annotations

import platform

from cloudk8s import __version__
from cloudk8s.cli import output
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format


def version(format: Output = Format.TABLE) -> None:
    """Print the versions of cloudk8s, Python and the Kubernetes API that is served by default.

    Example: cloudk8s version -o json
    """
    data = {"cloudk8s": __version__, "kubernetes": "1.37", "python": platform.python_version()}
    output.show(data, format, {"CLOUDK8S": "cloudk8s", "KUBERNETES": "kubernetes", "PYTHON": "python"})
