"""A pod's resolver configuration, from its policy, its own wishes, the cluster's DNS and the host's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.runtimes.interface import DNSConfig

MAX_SERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARACTERS = 2048
NO_CLUSTER = (
    'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. '
    'Falling back to "Default" policy.'
)
_OMITTED = "{} limits were exceeded, some {} have been omitted, the applied {} line is: {}"
_CLUSTER_OPTIONS = ("ndots:5",)


@dataclass(frozen=True, slots=True)
class ClusterDNS:
    """What the node knows of the cluster's DNS."""

    servers: tuple[str, ...]
    domain: str


def pod_dns(pod: Object, cluster: ClusterDNS, host: DNSConfig) -> DNSConfig:
    """What is to go into the pod's resolv.conf."""
    policy = spec_of(pod).get("dnsPolicy") or "ClusterFirst"
    if policy == "None":
        start = DNSConfig()
    elif uses_cluster(pod) and cluster.servers:
        start = _cluster_first(namespace_of(pod), cluster, host)
    else:
        start = host
    wishes = spec_of(pod).get("dnsConfig") or {}
    servers = _unique((*start.servers, *(wishes.get("nameservers") or ())))
    searches = _unique((*start.searches, *(wishes.get("searches") or ())))
    options = _merge_options(start.options, [_option(each) for each in wishes.get("options") or ()])
    return DNSConfig(servers, searches, options)


def fitted(wanted: DNSConfig) -> tuple[DNSConfig, Sequence[str]]:
    """What resolvers can read of it, and what must be said of the rest."""
    fits = DNSConfig(wanted.servers[:MAX_SERVERS], _fitting(wanted.searches), wanted.options)
    notes = []
    if fits.servers != wanted.servers:
        notes.append(_OMITTED.format("Nameserver", "nameservers", "nameserver", " ".join(fits.servers)))
    if fits.searches != wanted.searches:
        notes.append(_OMITTED.format("Search Line", "search paths", "search", " ".join(fits.searches)))
    return fits, notes


def _fitting(searches: tuple[str, ...]) -> tuple[str, ...]:
    fits = searches[:MAX_SEARCHES]
    while len(" ".join(fits)) > MAX_SEARCH_CHARACTERS:
        fits = fits[:-1]
    return fits


def uses_cluster(pod: Object) -> bool:
    """Whether the pod's policy asks for the cluster's DNS."""
    policy = spec_of(pod).get("dnsPolicy") or "ClusterFirst"
    return policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pods.is_host_network(pod))


def _cluster_first(namespace: str, cluster: ClusterDNS, host: DNSConfig) -> DNSConfig:
    own = (f"{namespace}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain) if cluster.domain else ()
    return DNSConfig(cluster.servers, _unique((*own, *host.searches)), _CLUSTER_OPTIONS)


def _option(option: dict[str, str]) -> str:
    return f"{option['name']}:{option['value']}" if option.get("value") else option["name"]


def _merge_options(start: Sequence[str], wishes: Sequence[str]) -> tuple[str, ...]:
    by_name = {option.partition(":")[0]: option for option in (*start, *wishes)}
    return tuple(by_name.values())


def _unique(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
