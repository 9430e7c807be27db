"""Which path of which host leads where."""

from __future__ import annotations

import random

from cloudk8s_ingress.routes import Routes, Site
from cloudk8s_ingress.rules import routes_of
from tests.plugins.ingress.objects import World, ingress, path


def routes(*ingresses: dict[str, object]) -> Routes:
    return routes_of(ingresses, World())


def only(*ingresses: dict[str, object]) -> Site:
    (site,) = routes(*ingresses).sites
    return site


def told(site: Site) -> list[tuple[str, bool, str]]:
    return [(each.path, each.is_exact, each.backend.endpoints[0]) for each in site.locations]


def test_exact_paths_come_first_and_longer_prefixes_before_shorter() -> None:
    site = only(
        ingress("i", ("a.example", path("/", "r"), path("/b", "s"), path("/b/c", "l"), path("/b", "e", "Exact")))
    )
    assert told(site) == [
        ("/b", True, "e:8080"), ("/b/c", False, "l:8080"), ("/b", False, "s:8080"), ("/", False, "r:8080"),
    ]  # fmt: skip


def test_a_prefix_is_the_same_with_and_without_slash_at_its_end() -> None:
    assert told(only(ingress("i", ("h", path("/a/", "s"))))) == [("/a", False, "s:8080")]


def test_an_older_ingress_keeps_a_path_that_a_younger_one_claims() -> None:
    old = ingress("z", ("h", path("/", "old")), created="2026-01-01T00:00:00Z")
    new = ingress("a", ("h", path("/", "new"), path("/n", "new")), created="2026-01-02T00:00:00Z")
    assert told(only(new, old)) == [("/n", False, "new:8080"), ("/", False, "old:8080")]


def test_order_of_arrival_does_not_matter() -> None:
    many = [ingress(f"i{n}", (f"h{n % 3}", path(f"/{n}", f"s{n}"), path("/", f"s{n}"))) for n in range(9)]
    expected = routes(*many)
    for seed in range(5):
        random.Random(seed).shuffle(many)
        assert routes(*many) == expected


def test_default_backends_serve_unknown_paths_of_their_hosts_and_of_any_host_without_rules() -> None:
    default = {"service": {"name": "fallback", "port": {"name": "web"}}}
    host, other = ingress("a", ("h", path("/x", "s")), defaultBackend=default), ingress("b", defaultBackend=default)
    every, named = routes(host, other).sites
    assert (every.host, every.locations, every.fallback) == ("", (), named.fallback)
    assert named.fallback is not None
    assert named.fallback.endpoints == ("fallback:8080",)


def test_certificates_are_shown_for_the_hosts_that_they_are_meant_for() -> None:
    tls = [{"hosts": ["a"], "secretName": "s"}]
    a, b = routes(ingress("i", ("a", path("/", "s")), ("b", path("/", "s")), tls=tls)).sites
    assert (a.certificate and a.certificate.name, a.redirects) == ("d.s", True)
    assert (b.certificate, b.redirects) == (None, False)


def test_redirects_can_be_turned_off() -> None:
    tls, off = [{"hosts": ["a"], "secretName": "s"}], {"ingress.cloudk8s.io/ssl-redirect": "false"}
    assert not only(ingress("i", ("a", path("/", "s")), tls=tls, annotations=off)).redirects


def test_what_is_missing_is_a_problem_of_its_ingress_and_costs_no_other() -> None:
    broken = ingress("bad", ("h", path("/a", "missing"), path("/b", "s", port=81)), tls=[{"secretName": "missing"}])
    found = routes(broken, ingress("good", ("h", path("/c", "s"))))
    assert [(each.ingress, each.reason) for each in found.problems] == [
        ("d/bad", "BackendNotFound"), ("d/bad", "BackendNotFound"), ("d/bad", "CertificateNotFound"),
    ]  # fmt: skip
    assert found.problems[1].text == "Service d/s has no port 81, or does not exist; requests get 503"
    (site,) = found.sites
    assert [(each.path, each.backend.endpoints) for each in site.locations] == [
        ("/a", ()), ("/b", ()), ("/c", ("s:8080",)),
    ]  # fmt: skip


def test_backends_that_speak_tls_are_told_apart() -> None:
    secure = ingress("i", ("h", path("/", "s")), annotations={"ingress.cloudk8s.io/backend-protocol": "https"})
    plain, encrypted = only(ingress("i", ("h", path("/", "s")))), only(secure)
    assert encrypted.locations[0].backend.speaks_tls
    assert encrypted.locations[0].backend.name != plain.locations[0].backend.name
