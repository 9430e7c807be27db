"""Memory given back to the kernel that a process has once needed, and that the C library and the linker keep for it."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

_DONTNEED: Final = 4
"""`MADV_DONTNEED` of Linux."""
_ARENA_MAX: Final = -8
"""`M_ARENA_MAX` of glibc's malloc.h; other C libraries ignore it."""
_LIBRARY: Final = re.compile(r"^/.*\.so(\.[0-9.]+)?$")
"""Libraries stay where they are as long as the process lives; other files might be mapped for a moment only."""
_HEAD: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)")
_MAPPINGS: Final = Path("/proc/self/smaps")


class Mapping(NamedTuple):
    """A part of a file in the process's memory."""

    start: int
    end: int
    name: str


def share_memory_of_threads() -> None:
    """Let threads share two pools of memory (glibc): each would keep one of its own, with what it once needed."""
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None:
        tell(_ARENA_MAX, 2)


def give_back_freed() -> None:
    """Return what was freed and lies between what is in use (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def give_back_code(seen: Collection[Mapping]) -> None:
    """Unmap pages of libraries; those that are used are mapped again as they are used, without reading.

    Most code runs at start only. The kernel would drop these pages itself where memory is short, but counts them as
    the process's until then. `seen` is what `unchanged_libraries` has found a while ago: what has changed since (a
    library that a thread was about to load) is left alone.
    """
    advise = getattr(ctypes.PyDLL(None), "madvise", None)  # keeps the interpreter, so that nobody loads any meanwhile
    if advise is None:
        return
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for mapping in unchanged_libraries() & frozenset(seen):
        advise(mapping.start, mapping.end - mapping.start, _DONTNEED)


def unchanged_libraries() -> frozenset[Mapping]:
    """Those that can't be written where they are mapped, and never were; none where the kernel does not tell."""
    return frozenset(_unchanged(_MAPPINGS.read_text().splitlines())) if _MAPPINGS.exists() else frozenset()


def _unchanged(lines: Iterable[str]) -> Iterator[Mapping]:
    """From the lines of `smaps`. Pages that differ from their file are called anonymous there."""
    mapping: Mapping | None = None
    for line in lines:
        if found := _HEAD.fullmatch(line):
            start, end, rights, name = found.groups()
            is_library = bool(_LIBRARY.search(name)) and rights[:2] == "r-"
            mapping = Mapping(int(start, 16), int(end, 16), name) if is_library else None
        elif mapping is not None and line.startswith("Anonymous:"):
            if line.split()[1] == "0":
                yield mapping
            mapping = None
