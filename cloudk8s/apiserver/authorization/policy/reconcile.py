"""What a stored role or binding must become to have all that upstream's default gives it.

Additions of the administrator stay: rules and subjects are added, never taken away. An object whose annotation
`autoupdate` is "false" is left alone.
"""

from __future__ import annotations

from cloudk8s.apiserver.authorization.coverage import uncovered
from cloudk8s.apiserver.authorization.policy.shorthand import AUTOUPDATE, Object


def reconciled(default: Object, stored: Object | None) -> Object | None:
    """The object to write: the default, the stored one completed, or None where nothing is missing.

    A binding to another role cannot be changed, so the default is returned without a resource version: replace it.
    """
    if stored is None:
        return default
    if (stored["metadata"].get("annotations") or {}).get(AUTOUPDATE, "true") == "false":
        return None
    if "roleRef" in default and stored.get("roleRef") != default["roleRef"]:
        return default
    wanted = {**stored, "metadata": _completed_metadata(default, stored)}
    if "subjects" in default:
        wanted["subjects"] = _completed_subjects(default, stored)
    elif default.get("rules"):
        wanted["rules"] = _completed_rules(default, stored)
    if default.get("aggregationRule") and stored.get("aggregationRule") != default["aggregationRule"]:
        wanted["aggregationRule"] = default["aggregationRule"]
    return None if wanted == stored else wanted


def _completed_metadata(default: Object, stored: Object) -> Object:
    metadata = dict(stored["metadata"])
    for field in ("labels", "annotations"):
        metadata[field] = {**(metadata.get(field) or {}), **default["metadata"][field]}
    return metadata


def _completed_subjects(default: Object, stored: Object) -> list[Object]:
    present = list(stored.get("subjects") or ())
    return present + [each for each in default["subjects"] if each not in present]


def _completed_rules(default: Object, stored: Object) -> list[Object]:
    present = list(stored.get("rules") or ())
    return present + [each for each in default["rules"] if uncovered(present, [each])]
