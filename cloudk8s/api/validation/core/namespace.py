"""Namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation import names
from cloudk8s.api.validation.metadata import STANDARD_FINALIZERS
from cloudk8s.api.validation.values import Errors, check_rule


def check_namespace_finalizers(errors: Errors, spec: Mapping[str, Any], *, numbered: bool) -> None:
    """`numbered` tells whether findings say which finalizer it is."""
    for index, name in enumerate(spec.get("finalizers") or ()):
        path = f"spec.finalizers[{index}]" if numbered else "spec.finalizers"
        check_rule(errors, path, name, names.qualified_name)
        if "/" not in name and name not in STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid(path, name, text))


def check_phase(errors: Errors, namespace: Mapping[str, Any]) -> None:
    phase = (namespace.get("status") or {}).get("phase") or ""
    if namespace["metadata"].get("deletionTimestamp"):
        if phase != "Terminating":
            text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            errors.append(invalid("status.Phase", phase, text))
    elif phase != "Active":
        errors.append(invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty"))
