"""Links in pages that come from behind a path of this server."""

from __future__ import annotations

import gzip
import zlib

import pytest

from cloudk8s.apiserver.relay import pages


def below(address: str) -> str:
    return f"/proxy{address}" if address.startswith("/") else address


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        ('<a href="/x">test</a>', '<a href="/proxy/x">test</a>'),
        ("<A class=b HREF = '/x?a=1&amp;b=2'>", '<A class=b HREF = "/proxy/x?a=1&amp;b=2">'),
        ('<img src=/a.png alt="/b"/>', '<img src="/proxy/a.png" alt="/b"/>'),
        ('<script src="/a.js">x = "<a href=\'/y\'>"</script><a href="/z">', None),
        ('<!-- <a href="/x"> --><p title="<a href=/x>">/x</p>', '<!-- <a href="/x"> --><p title="<a href=/x>">/x</p>'),
        ('<a href="x"><a href="//other/"><b href="/x">', '<a href="x"><a href="/proxy//other/"><b href="/x">'),
        ('caf\xe9 <a href="/\xe9">', 'caf\xe9 <a href="/proxy/\xe9">'),
        ("a < b <a href=", "a < b <a href="),
    ],
)
def test_addresses_in_tags_are_changed_and_nothing_else(page: str, seen: str | None) -> None:
    if seen is None:
        seen = page.replace('"/a.js"', '"/proxy/a.js"').replace('"/z"', '"/proxy/z"')
    assert pages.rewritten(page.encode("latin-1"), below).decode("latin-1") == seen


def test_packed_pages_are_packed_again() -> None:
    page, seen = b'<a href="/x">', b'<a href="/proxy/x">'
    assert gzip.decompress(pages.led_here(gzip.compress(page), "gzip", below)) == seen
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(page) + packer.flush()
    assert zlib.decompress(pages.led_here(packed, "deflate", below), -15) == seen
    assert pages.led_here(page, "gzip", below) == page
    assert pages.led_here(page, "br", below) == page
    bomb = gzip.compress(bytes(pages.LARGEST + 1))
    assert pages.led_here(bomb, "gzip", below) is bomb


def test_a_page_of_tags_that_never_end_is_read_in_a_moment() -> None:
    page = b"<a href='" * 100_000
    assert pages.rewritten(page, below) == page
