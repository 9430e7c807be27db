"""The API server put together: store, rules, identity, listener; start and stop read top to bottom."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudk8s.api.decode import Decoder
from cloudk8s.api.features import ineffective, parse_feature_gates
from cloudk8s.api.registry import load_registry
from cloudk8s.api.strategies import strategies
from cloudk8s.apiserver.admission.chain import AdmissionChain
from cloudk8s.apiserver.admission.interface import AdmissionPlugin
from cloudk8s.apiserver.admission.order import built_in, selected
from cloudk8s.apiserver.assembly import Assembly, Identity, assemble
from cloudk8s.apiserver.audit.log_file import AuditLog, Rotation
from cloudk8s.apiserver.audit.policy import load
from cloudk8s.apiserver.audit.trail import AuditTrail
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.bootstrap.run import Endpoint, advertised, bootstrap
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.custom.runtime import CustomResources
from cloudk8s.apiserver.field_management import FieldManagement
from cloudk8s.apiserver.flow_control.conditions import FlowSchemaConditions
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.kubeconfig import Access, context_name
from cloudk8s.apiserver.operations.watching import add_indexes
from cloudk8s.apiserver.pki import PKI, ensure
from cloudk8s.apiserver.pki.renewal import keep_renewed
from cloudk8s.apiserver.relay.backend import Sockets
from cloudk8s.client.inprocess import InProcessClient
from cloudk8s.client.interface import Client
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.extensions import admission_plugins, authenticators, authorizers
from cloudk8s.controlplane.host.ranges import service_ranges
from cloudk8s.controlplane.store import open_configured_store
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.network.privileges import may_listen
from cloudk8s.plugin import Plugins
from cloudk8s.settings import ClusterSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiServerOptions:
    """What concerns the API server alone."""

    authorization_modes: tuple[str, ...] = ("Node", "RBAC")
    token_file: Path | None = None
    """Static tokens, in upstream's CSV form."""
    enabled_admission: tuple[str, ...] = ()
    disabled_admission: tuple[str, ...] = ()
    """Admission plugins by name; all are on that are not disabled."""
    extra_certificates: tuple[tuple[str, str], ...] = ()
    """ConfigMap and key pairs added to every pod's service-account volume."""
    seats: int = 600
    """How many requests may be under way at once; priority levels share them."""
    audit_policy: Path | None = None
    """An `audit.k8s.io/v1` Policy; without it nothing is audited."""
    audit_log: str = "-"
    """Where audit events go; "-" is standard output."""
    audit_rotation: Rotation = field(default_factory=Rotation)
    is_alone: bool = True
    """The cluster has no other API server, so this one says where pods find it."""
    pod_sockets: Sockets | None = None
    """Makes sockets of the pods' network, where this process is not on it."""


@dataclass(frozen=True, slots=True)
class RunningApiServer:
    """A server that answers; valid inside the `async with` that made it."""

    settings: ClusterSettings
    port: int
    pki: PKI
    core: Core
    assembly: Assembly
    plugins: Plugins

    @property
    def url(self) -> str:
        host = self.settings.bind if self.settings.bind not in ("0.0.0.0", "::") else "127.0.0.1"
        return f"https://[{host}]:{self.port}" if ":" in host else f"https://{host}:{self.port}"

    @property
    def url_from_hosts(self) -> str:
        """Where hosts within this host reach the server, which may listen on loopback only."""
        return f"https://{self.settings.advertise_address or advertised(self.settings.bind)}:{self.port}"

    def client(self, user: str, *groups: str) -> Client:
        """A client in this process with an identity of its own."""
        info = UserInfo(user, groups=(*groups, "system:authenticated"))
        return InProcessClient(self.assembly.local(info, agent=user.removeprefix("system:")))

    def access(self) -> Access:
        """What a kubeconfig needs for the administrator."""
        return Access(
            context_name(self.settings.name),
            self.url,
            self.pki.ca.certificate.read_bytes(),
            self.pki.admin.certificate.read_bytes(),
            self.pki.admin.key.read_bytes(),
        )


@asynccontextmanager
async def running_api_server(
    settings: ClusterSettings, options: ApiServerOptions | None = None, *, clock: Clock | None = None
) -> AsyncIterator[RunningApiServer]:
    """Run an API server: ready when entered, drained and closed when left."""
    options, clock = options or ApiServerOptions(), clock or SystemClock()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki = ensure(
        settings.data_dir,
        bind=settings.bind,
        service_cluster_ip_range=settings.service_cluster_ip_range,
        cluster_domain=settings.cluster_domain,
        extra_hosts=[
            *settings.certificate_hosts,
            *(address for address in (advertised(settings.bind), settings.advertise_address) if address),
        ],
        clock=clock,
    )
    features = parse_feature_gates(settings.feature_gates, settings.kubernetes_version)
    for name in ineffective(features):
        _log.warning("feature gate %s: nothing here depends on it", name)
    registry = load_registry(settings.kubernetes_version, features)
    async with AsyncExitStack() as stack:
        plugins = await asyncio.to_thread(Plugins.load, disabled=settings.disabled_plugins)
        store = await open_configured_store(settings, plugins, clock=clock)
        stack.push_async_callback(store.close)
        chain = AdmissionChain(_admission(settings, options, plugins))
        decoder = Decoder(registry)
        core = Core(
            registry,
            store,
            strategies(features=features),
            chain,
            FieldManagement(registry, decoder, strategies(features=features), clock),
            clock,
            decoder,
        )
        chain.attach(core)
        add_indexes(core)
        audit = _audit(options, stack, clock)
        assembly = assemble(
            core, settings, pki, identity=_identity(options, plugins), audit=audit, seats=options.seats,
            pod_sockets=options.pod_sockets,
        )  # fmt: skip
        context = server_context(pki.serving.certificate, pki.serving.key, client_ca=pki.ca.certificate)
        server = HTTPServer(
            assembly.server.handle,
            context,
            host=settings.bind,
            port=settings.port,
            clock=clock,
        )
        await stack.enter_async_context(server)
        renewal = keep_renewed(pki, lambda: context.load_cert_chain(pki.serving.certificate, pki.serving.key))
        await stack.enter_async_context(background(renewal, names=("certificates",)))
        endpoint = replace(_endpoint(settings, pki, server.port), is_alone=options.is_alone)
        assembly.listens_at(f"{advertised(endpoint.address) or endpoint.address}:{server.port}")
        stack.callback(assembly.health.stopping)
        await bootstrap(core, endpoint)
        await stack.enter_async_context(CustomResources(core))
        await stack.enter_async_context(FlowSchemaConditions(core))
        await assembly.start()
        yield RunningApiServer(settings, server.port, pki, core, assembly, plugins)


def _admission(settings: ClusterSettings, options: ApiServerOptions, plugins: Plugins) -> list[AdmissionPlugin]:
    """The built-in ones and those of plugins, but those that are turned off."""
    every = built_in(
        service_ranges=service_ranges(settings),
        node_ports=settings.service_node_port_range,
        extra_certificates=options.extra_certificates,
        others=admission_plugins(plugins),
    )
    return selected(every, enabled=options.enabled_admission, disabled=options.disabled_admission)


def _identity(options: ApiServerOptions, plugins: Plugins) -> Identity:
    requests, tokens = authenticators(plugins)
    return Identity(options.authorization_modes, options.token_file, requests, tokens, authorizers(plugins))


def _audit(options: ApiServerOptions, stack: AsyncExitStack, clock: Clock) -> AuditTrail | None:
    """Audit by the policy, into a log that is closed after everything else."""
    if options.audit_policy is None:
        return None
    log = stack.enter_context(AuditLog(options.audit_log, options.audit_rotation))
    return AuditTrail(load(options.audit_policy), log.write, clock=clock)


def _endpoint(settings: ClusterSettings, pki: PKI, port: int) -> Endpoint:
    ranges = service_ranges(settings)
    address = settings.bind if settings.bind not in ("0.0.0.0", "::") else "127.0.0.1"
    ca, front_proxy_ca = pki.ca.certificate.read_text(), pki.front_proxy_ca.certificate.read_text()
    is_reachable = not ranges[0].startswith("127.") or may_listen(443) or settings.advertise_address
    service_port = 443 if is_reachable else 6443
    advertise = settings.advertise_address
    return Endpoint(address, port, ranges, ca, front_proxy_ca, service_port=service_port, advertise=advertise)
