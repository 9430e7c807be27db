"""Pages of a backend that is reached below a path of this server: absolute links in them are made to lead there."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Final

_LINKS: Final[Mapping[str, frozenset[str]]] = {
    tag: frozenset(attributes.split())
    for tag, attributes in {
        "a": "href", "applet": "codebase", "area": "href", "audio": "src", "base": "href", "blockquote": "cite",
        "body": "background", "button": "formaction", "command": "icon", "del": "cite", "embed": "src",
        "form": "action", "frame": "longdesc src", "head": "profile", "html": "manifest", "iframe": "longdesc src",
        "img": "longdesc src usemap", "input": "src usemap formaction", "ins": "cite", "link": "href",
        "object": "classid codebase data usemap", "q": "cite", "script": "src", "source": "src", "video": "poster src",
    }.items()
}  # fmt: skip
"""Attributes that hold addresses: https://html.spec.whatwg.org/multipage/indices.html#attributes-3"""
_WINDOWS: Final[Mapping[str, int]] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": -zlib.MAX_WBITS}
_RAW_TEXT: Final = frozenset({"script", "style", "textarea", "title"})
"""Elements in whose text there are no tags."""
_TAG: Final = re.compile(
    r"""<!--.*?(?:-->|\Z)"""
    r"""|<(?P<tag>[a-z][^\s/>]*+)(?:=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?|[^>=])*+(?:>|\Z)""",
    re.IGNORECASE | re.DOTALL,
)
"""Never fails once it has begun, so that reading a page takes time in proportion to its length."""
_ATTRIBUTE: Final = re.compile(r"""(?P<name>[^\s"'>/=]+)(?P<is>\s*=\s*)(?P<value>"[^"]*"|'[^']*'|[^\s>"']+)""")

LARGEST: Final = 4 * 1024 * 1024
"""Pages that are longer, also once unpacked, pass as they are: nobody waits for them, nor for their links."""

Link = Callable[[str], str]
"""Where an address leads to from here."""


def is_page(content_type: str) -> bool:
    """Whether links are to be looked for."""
    return content_type.partition(";")[0].strip().lower() == "text/html"


def led_here(body: bytes, encoding: str, link: Link) -> bytes:
    """The page with its links changed; as it came where its encoding is not known or does not hold."""
    if not encoding:
        return rewritten(body, link)
    window = _WINDOWS.get(encoding)
    page = None if window is None else _unpacked(body, window)
    if window is None or page is None:
        return body
    packer = zlib.compressobj(wbits=window)
    return packer.compress(rewritten(page, link)) + packer.flush()


def _unpacked(body: bytes, window: int) -> bytes | None:
    """The page; None if it is too long or is not packed that way."""
    unpacker = zlib.decompressobj(wbits=window)
    try:
        page = unpacker.decompress(body, LARGEST)
    except zlib.error:
        return None
    return page if unpacker.eof else None


def rewritten(page: bytes, link: Link) -> bytes:
    """The page with other addresses in its tags, and otherwise byte for byte the same."""
    text = page.decode("latin-1")
    made: list[str] = []
    place = 0
    while (found := _TAG.search(text, place)) is not None:
        made += text[place : found.start()], _tag(found, link)
        place = found.end()
        if (name := (found["tag"] or "").lower()) in _RAW_TEXT:
            end = re.compile(f"</{name}", re.IGNORECASE).search(text, place)
            made.append(text[place : end.start() if end else len(text)])
            place = end.start() if end else len(text)
    made.append(text[place:])
    return "".join(made).encode("latin-1", "xmlcharrefreplace")


def _tag(found: re.Match[str], link: Link) -> str:
    wanted = _LINKS.get((found["tag"] or "").lower())
    if wanted is None:
        return found[0]

    def changed(attribute: re.Match[str]) -> str:
        raw = attribute["value"]
        value = html.unescape(raw.strip("\"'"))
        led = link(value) if attribute["name"].lower() in wanted else value
        return attribute[0] if led == value else f'{attribute["name"]}{attribute["is"]}"{html.escape(led)}"'

    return _ATTRIBUTE.sub(changed, found[0])
