"""What a process gives back of what it once needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cloudk8s.kernel import memory

SMAPS = """\
1000-3000 r-xp 00000000 08:01 7                          /usr/lib/libpython3.11.so.1.0
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
3000-4000 r--p 00002000 08:01 7                          /usr/lib/libpython3.11.so.1.0
Rss:                   4 kB
Anonymous:             4 kB
4000-5000 rw-p 00003000 08:01 7                          /usr/lib/libpython3.11.so.1.0
Anonymous:             0 kB
5000-6000 rw-p 00000000 00:00 0                          [heap]
Anonymous:             0 kB
6000-7000 r--p 00000000 00:00 0
Anonymous:             0 kB
7000-8000 r--s 00000000 08:01 9                          /tmp/with a space
Anonymous:             0 kB
8000-9000 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
"""


def test_only_libraries_are_given_back_that_nobody_wrote_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smaps").write_text(SMAPS)
    monkeypatch.setattr(memory, "_MAPPINGS", tmp_path / "smaps")
    assert {(each.start, each.end) for each in memory.unchanged_libraries()} == {(0x1000, 0x3000)}


WORK = """
import asyncio, json, ssl, sys
from pathlib import Path
from cloudk8s.kernel import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

before = resident()
memory.give_back_freed()
memory.give_back_code(memory.unchanged_libraries())
after = resident()
ssl.create_default_context()
asyncio.run(asyncio.sleep(0))
print(before, after, resident(), len(json.dumps(list(range(1000)))))
"""


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the kernel does not tell of mappings")
def test_a_process_is_smaller_afterwards_and_goes_on() -> None:
    shown = subprocess.run([sys.executable, "-c", WORK], check=True, capture_output=True, text=True)
    before, after, later, length = map(int, shown.stdout.split())
    assert after < before - 3000  # kilobytes
    assert later <= before
    assert length == 4890
