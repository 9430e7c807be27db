"""What `/healthz` and its kin answer, in upstream's words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from cloudk8s.apiserver.http.interface import Response

TEXT: Final = "text/plain; charset=utf-8"


def of_all(
    endpoint: str, names: Sequence[str], failed: Collection[str], left_out: Collection[str], *, is_verbose: bool
) -> Response:
    """The answer of an endpoint with checks of these names, some of which have failed or were to be left out."""
    if not failed and not is_verbose:
        return Response(200, b"ok", TEXT)
    lines = [_line(name, failed, left_out) for name in names]
    if unknown := sorted(set(left_out) - set(names)):
        quoted = ", ".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {quoted}")
    lines.append(f"{endpoint} check {'failed' if failed else 'passed'}\n")
    return Response(500 if failed else 200, "\n".join(lines).encode(), TEXT)


def of_one(*, has_failed: bool) -> Response:
    """The answer of one check alone."""
    return (
        Response(500, b"internal server error: reason withheld\n", TEXT) if has_failed else Response(200, b"ok", TEXT)
    )


def _line(name: str, failed: Collection[str], left_out: Collection[str]) -> str:
    if name in failed:
        return f"[-]{name} failed: reason withheld"
    return f"[+]{name} excluded: ok" if name in left_out else f"[+]{name} ok"
