"""Delete a directory tree that pods wrote, and nothing beyond it. Blocks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudk8s.plugin.provisioner import ProvisioningError


class NotAllowed(ProvisioningError):
    """Pods have left files that this process's user may not delete."""


def remove(directory: Path) -> None:
    """Delete the tree; links are not followed. Raises ProvisioningError while something is mounted in it."""
    if not directory.exists():
        return
    if mounted := _mounted_below(directory):
        raise ProvisioningError(f"{directory} is not deleted while {mounted} is mounted")
    try:
        shutil.rmtree(directory, onerror=_make_writable)
    except PermissionError as error:
        raise NotAllowed(f"can't delete {error.filename}: {error.strerror}") from error
    except OSError as error:
        raise ProvisioningError(f"can't delete {error.filename}: {error.strerror}") from error


def _mounted_below(directory: Path) -> str:
    prefix = f"{directory}/"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if f"{line.split()[4]}/".startswith(prefix):
            return line.split()[4]
    return ""


def _make_writable(function: Callable[..., Any], path: str, failure: Any) -> None:
    """Try once more after a pod took its own permission away."""
    if not isinstance(failure[1], PermissionError):
        raise failure[1]
    for each in (os.path.dirname(path), path):
        if os.path.isdir(each) and not os.path.islink(each):
            os.chmod(each, 0o700)
    if function in (os.rmdir, os.unlink):
        function(path)
    else:
        shutil.rmtree(path)
