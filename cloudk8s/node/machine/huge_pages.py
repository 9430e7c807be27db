"""Huge pages of this machine: how many the administrator has set apart, by their size. Blocks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cloudk8s.machinery.quantity import Format, Quantity, parse

PREFIX: Final = "hugepages-"
_POOLS: Final = Path("/sys/kernel/mm/hugepages")
_ALWAYS: Final = (1 << 30, 1 << 21)
"""Sizes that a node names though it has none."""


def find_huge_pages(pools: Path = _POOLS) -> Mapping[int, int]:
    """Bytes set apart, by page size."""
    found = dict.fromkeys(_ALWAYS, 0)
    for pool in pools.glob("hugepages-*kB"):
        size = int(pool.name.removeprefix("hugepages-").removesuffix("kB")) * 1024
        count = int((pool / "nr_hugepages").read_text())
        if count or size in found:
            found[size] = count * size
    return found


def as_resources(pages: Mapping[int, int]) -> Mapping[str, str]:
    """As a node's capacity names them: {"hugepages-2Mi": "64Mi"}."""
    return {f"{PREFIX}{_text(size)}": _text(amount) for size, amount in pages.items()}


def page_size(resource: str) -> int:
    """The page size that a resource, or a medium of an emptyDir (`HugePages-2Mi`), names; 0 where it names none."""
    _, _, size = resource.partition("-")
    return parse(size).value if size else 0


def kernel_name(size: int) -> str:
    """What control groups and runtimes call a page size: 2MB, 1GB."""
    return f"{size >> 30}GB" if size >= 1 << 30 else f"{size >> 20}MB" if size >= 1 << 20 else f"{size >> 10}KB"


def _text(amount: int) -> str:
    return str(Quantity.of(amount, Format.BINARY_SI))
