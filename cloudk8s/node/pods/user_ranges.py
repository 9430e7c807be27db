"""The users of the host that pods with users of their own get: a range for each pod, the same as long as it lives.

A range is written into its pod's directory, as upstream's kubelet does, and claimed in a directory that all agents of
this host share. A claim holds for as long as the file that it names says the same: whoever removes a pod's directory
gives its range back. https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cloudk8s.kernel.files import locked, write_whole
from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.interface import RuntimeFailure, UserRange

CLAIMS: Final = Path("/run/cloudk8s/users")
RECORD: Final = "userns"
SLOT: Final = 65_536
"""What a slot holds; the first one is the host's own."""
_SLOTS: Final = range(1, 32_768)
"""Up to the numbers that programs take for negative ones."""
_SUBORDINATES: Final = (Path("/etc/subuid"), Path("/etc/subgid"))
_KUBELET: Final = "kubelet"


class UserRanges:
    """Hands out ranges for the pods below a directory. Blocks; several agents may use one directory of claims."""

    def __init__(
        self, pods_directory: Path, *, length: int = SLOT, claims: Path = CLAIMS,
        subordinates: Sequence[Path] = _SUBORDINATES,
    ) -> None:  # fmt: skip
        self._pods, self._claims, self._subordinates = pods_directory, claims, subordinates
        self._width = max(1, length // SLOT)

    def of(self, pod_uid: str) -> UserRange:
        """The range of a pod, its own already or a free one; RuntimeFailure where none is left."""
        record = self._pods / pod_uid / RECORD
        self._claims.mkdir(parents=True, exist_ok=True, mode=0o755)
        with locked(self._claims / "lock"):
            known = _first_slot(record)
            if known is not None and self._is_free(known, for_record=record):
                return self._claim(known, record)
            for slot in self._candidates():
                if self._is_free(slot, for_record=record):
                    return self._claim(slot, record)
        raise RuntimeFailure("could not find an empty slot to allocate a user namespace")

    def _candidates(self) -> Iterator[int]:
        """Slots that no user of this host may use; only the kubelet's own where it has subordinate ids."""
        taken = [_subordinate_slots(path) for path in self._subordinates]
        own = [each.pop(_KUBELET, None) for each in taken]
        others = {slot for each in taken for slots in each.values() for slot in slots}
        if all(own):
            wanted = set.intersection(*(set(slots) for slots in own if slots))
        else:
            wanted = set(_SLOTS) - others
        return (slot for slot in sorted(wanted) if all(slot + each in wanted for each in range(self._width)))

    def _is_free(self, slot: int, *, for_record: Path) -> bool:
        return all(self._holder(each) in (None, for_record) for each in range(slot, slot + self._width))

    def _holder(self, slot: int) -> Path | None:
        """The record that a slot is claimed for, if that still says so."""
        try:
            record = Path((self._claims / str(slot)).read_text())
        except FileNotFoundError:
            return None
        first = _first_slot(record)
        return record if first is not None and first <= slot < first + _width(record) else None

    def _claim(self, slot: int, record: Path) -> UserRange:
        length = self._width * SLOT
        mapping = [{"hostId": slot * SLOT, "containerId": 0, "length": length}]
        record.parent.mkdir(parents=True, exist_ok=True)
        write_whole(record, codec.encode({"uidMappings": mapping, "gidMappings": mapping}))
        for each in range(slot, slot + self._width):
            write_whole(self._claims / str(each), str(record).encode())
        return UserRange(slot * SLOT, length)


def _mapping(record: Path) -> dict[str, Any]:
    """What a record says of users; nothing where it cannot be read."""
    try:
        return dict(codec.decode(record.read_bytes())["uidMappings"][0])
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _first_slot(record: Path) -> int | None:
    first = _mapping(record).get("hostId")
    return first // SLOT if isinstance(first, int) else None


def _width(record: Path) -> int:
    return int(_mapping(record).get("length", SLOT)) // SLOT


def _subordinate_slots(path: Path) -> dict[str, range]:
    """The slots that entries of /etc/subuid touch, by the users that they belong to."""
    try:
        rows = [line.strip().split(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return {}
    found: dict[str, range] = {}
    for number, row in enumerate(rows):
        if len(row) == 3 and row[1].isdigit() and row[2].isdigit() and int(row[2]):
            first, length = int(row[1]), int(row[2])
            whole = range(-(-first // SLOT), (first + length) // SLOT)
            touched = range(first // SLOT, (first + length - 1) // SLOT + 1)
            found[row[0] if row[0] == _KUBELET else f"{row[0]}/{number}"] = whole if row[0] == _KUBELET else touched
    return found
