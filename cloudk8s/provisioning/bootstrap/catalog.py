"""The methods by name: ours, and those that plugins register."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.errors import SettingsError
from cloudk8s.plugin.manager import Plugins
from cloudk8s.plugin.registries import BootstrapMethods
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod
from cloudk8s.provisioning.bootstrap.k3s import k3s
from cloudk8s.provisioning.bootstrap.kubeadm import kubeadm
from cloudk8s.provisioning.bootstrap.native import native
from cloudk8s.provisioning.bootstrap.none import none
from cloudk8s.provisioning.declaration.cluster import Bootstrap

BUILT_IN: Mapping[str, Callable[[Mapping[str, Any]], BootstrapMethod]] = {
    "cloudk8s": native, "kubeadm": kubeadm, "k3s": k3s, "none": none,
}  # fmt: skip


def bootstrap_method(declared: Bootstrap, plugins: Plugins | None) -> BootstrapMethod:
    """The method that a cluster file names. Raises SettingsError for one that is not there, or its options."""
    if (factory := BUILT_IN.get(declared.method)) is not None:
        return factory(declared.options)
    registered = plugins.registry(BootstrapMethods) if plugins is not None else BootstrapMethods()
    if declared.method in registered:
        method: BootstrapMethod = registered.get(declared.method)(declared.options)
        return method
    known = [*BUILT_IN, *registered.names()]
    near = difflib.get_close_matches(declared.method, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(known)}"
    raise SettingsError(f"bootstrap.method: there is no method {declared.method!r}{hint}")
