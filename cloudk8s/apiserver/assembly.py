"""The parts of the API server behind its listener, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudk8s.api.custom_metrics.source import CustomMetricsSource
from cloudk8s.api.discovery import Discovery
from cloudk8s.api.openapi.documents import OpenApi
from cloudk8s.api.printing.printer import Printer
from cloudk8s.api.resource import Object
from cloudk8s.api.resource_metrics.usage import UsageSource
from cloudk8s.apiserver.admission.certificate_signers import SignerPermission
from cloudk8s.apiserver.admission.role_escalation import RoleEscalation
from cloudk8s.apiserver.audit.trail import AuditTrail
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.authentication.bearer import BearerAuthenticator
from cloudk8s.apiserver.authentication.bootstrap_token import BootstrapTokens
from cloudk8s.apiserver.authentication.certificate_uses import CertificateUses
from cloudk8s.apiserver.authentication.chain import AuthenticatorChain
from cloudk8s.apiserver.authentication.interface import Authenticator, TokenAuthenticator
from cloudk8s.apiserver.authentication.legacy_token import LegacyTokens
from cloudk8s.apiserver.authentication.service_account import DEFAULT_ISSUER, ServiceAccountTokens
from cloudk8s.apiserver.authentication.signing_key import SigningKey
from cloudk8s.apiserver.authentication.token_file import TokenFile
from cloudk8s.apiserver.authentication.token_use import TokenUse
from cloudk8s.apiserver.authentication.x509 import CertificateAuthenticator
from cloudk8s.apiserver.authorization.access import AccessRules
from cloudk8s.apiserver.authorization.following import follow
from cloudk8s.apiserver.authorization.interface import Authorizer
from cloudk8s.apiserver.component_statuses import ComponentStatusHandler
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.custom_metrics.serving import serve_custom_metrics
from cloudk8s.apiserver.discovery import add_discovery
from cloudk8s.apiserver.dispatch import Dispatcher
from cloudk8s.apiserver.endpoints import add_endpoints
from cloudk8s.apiserver.flow_control.control import FlowControl
from cloudk8s.apiserver.flow_control.seats import TOTAL
from cloudk8s.apiserver.health import Health, add_health
from cloudk8s.apiserver.issuer import add_issuer
from cloudk8s.apiserver.local import LocalApi
from cloudk8s.apiserver.metrics.exposition import add_metrics
from cloudk8s.apiserver.metrics.requests import RequestMetrics
from cloudk8s.apiserver.openapi import add_openapi
from cloudk8s.apiserver.operations.watching import index_name
from cloudk8s.apiserver.paths import Paths
from cloudk8s.apiserver.pki import PKI
from cloudk8s.apiserver.presenting import Presenter
from cloudk8s.apiserver.relay.backend import Sockets
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.apiserver.resource_metrics.serving import serve_resource_metrics
from cloudk8s.apiserver.reviews.handlers import review_handlers
from cloudk8s.apiserver.security import RequestSecurity, Security
from cloudk8s.apiserver.server import ApiServer
from cloudk8s.apiserver.subresources.binding import BindingHandler
from cloudk8s.apiserver.subresources.eviction import EvictionHandler
from cloudk8s.apiserver.subresources.interface import SubresourceHandler, VirtualHandler
from cloudk8s.apiserver.subresources.pod_streams import PodStreamHandler
from cloudk8s.apiserver.subresources.proxies import ProxyHandler
from cloudk8s.apiserver.subresources.scale import ScaleHandler
from cloudk8s.apiserver.subresources.status import ViewHandler
from cloudk8s.apiserver.subresources.token import TokenHandler
from cloudk8s.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class Identity:
    """Who may ask and what they may do, as far as it was configured."""

    modes: tuple[str, ...] = ("Node", "RBAC")
    """Authorizers in their order."""
    token_file: Path | None = None
    """Static tokens."""
    authenticators: Sequence[Authenticator] = ()
    """More of them, by plugins."""
    token_authenticators: Sequence[TokenAuthenticator] = ()
    """More kinds of bearer tokens, by plugins."""
    authorizers: Mapping[str, Callable[[], Authorizer]] = field(default_factory=dict)
    """More modes, by plugins."""


@dataclass(slots=True)
class Assembly:
    """Everything behind the listener."""

    core: Core
    server: ApiServer
    presenter: Presenter
    security: Security
    paths: Paths
    dispatcher: Dispatcher
    health: Health
    discovery: Discovery

    def local(self, user: UserInfo, *, agent: str) -> LocalApi:
        """The server as seen by a component in this process."""
        return LocalApi(self.server, self.core, self.presenter, self.security, user, agent)

    async def serve_resource_metrics(self, source: UsageSource) -> None:
        """Answer `metrics.k8s.io` too, from this source."""
        await serve_resource_metrics(self.core, self.presenter, self.dispatcher, source)

    def listens_at(self, address: str) -> None:
        """Say in discovery where the server is reached."""
        self.discovery.server_address = address

    def serve_custom_metrics(self, source: CustomMetricsSource) -> None:
        """Answer `custom.metrics.k8s.io` and `external.metrics.k8s.io` as long as this source knows any."""
        serve_custom_metrics(self.core, self.dispatcher, source)

    async def start(self) -> None:
        """Say that the server is ready."""
        self.health.done()


def assemble(
    core: Core,
    settings: ClusterSettings,
    pki: PKI,
    *,
    identity: Identity,
    audit: AuditTrail | None = None,
    seats: int = TOTAL,
    pod_sockets: Sockets | None = None,
) -> Assembly:
    """Build the handlers over a core."""
    presenter = Presenter(core, printer=Printer(core.clock))
    tokens = ServiceAccountTokens([SigningKey(pki.service_account_key.read_bytes())], core.find, clock=core.clock)
    bearer = _bearer(core, tokens, identity)
    access = _access(core, identity)
    certificates = CertificateUses(core.clock)
    chain = AuthenticatorChain([CertificateAuthenticator(certificates), bearer, *identity.authenticators])
    security = RequestSecurity(chain, access)
    kubelets = Kubelets(core, pki.pair("apiserver-kubelet-client"))
    proxy = ProxyHandler(core, kubelets, pod_sockets)
    dispatcher = _dispatcher(core, presenter, tokens, kubelets, proxy, review_handlers(core, access, bearer))
    paths = Paths()
    health = Health(core.store)
    add_endpoints(paths, core)
    add_health(paths, health)
    discovery = Discovery(core.registry, server_address=f"{settings.bind}:{settings.port}")
    add_discovery(paths, discovery)
    add_issuer(paths, tokens, lambda: discovery.server_address)
    add_openapi(paths, OpenApi(core.registry))
    metrics = RequestMetrics(lambda context: _is_served(core, paths, context))
    flow_control = FlowControl(total=seats)
    flow_control.follow(core.store)
    add_metrics(paths, core, metrics, flow_control, certificates)
    server = ApiServer(
        dispatcher=dispatcher, paths=paths, security=security, metrics=metrics, audit=audit, flow_control=flow_control
    )
    return Assembly(core, server, presenter, security, paths, dispatcher, health, discovery)


def _is_served(core: Core, paths: Paths, context: RequestContext) -> bool:
    """Whether a request names a resource, subresource or path that there is."""
    info = context.info
    if not info.resource:
        return info.path in paths.known
    resource = core.registry.lookup(info.group, info.version, info.resource)
    return resource is not None and (not info.subresource or info.subresource in resource.subresources)


def _access(core: Core, identity: Identity) -> AccessRules:
    """The authorizers, fed from the store."""
    pods = core.resource("", "pods")

    def pods_on_node(node: str) -> Iterator[Object]:
        return (core.tree(record) for record in core.store.by_index(index_name(pods, "spec.nodeName"), node))

    access = AccessRules(
        identity.modes, lookup=core.find, pods_on_node=pods_on_node, others=identity.authorizers,
        nodes_by_selectors=core.registry.features.is_on("AuthorizeNodeWithSelectors"),
    )  # fmt: skip
    follow(core.store, access.rbac)
    for plugin in core.admission.plugins:
        if isinstance(plugin, RoleEscalation):
            plugin.check = access.escalation
        if isinstance(plugin, SignerPermission):
            plugin.authorize = access.authorize
    return access


def _dispatcher(
    core: Core,
    presenter: Presenter,
    tokens: ServiceAccountTokens,
    kubelets: Kubelets,
    proxy: ProxyHandler,
    reviews: Mapping[tuple[str, str], VirtualHandler],
) -> Dispatcher:
    """The table of what lies below objects, and of what stores nothing."""
    view, binding, scale = ViewHandler(core, presenter), BindingHandler(core), ScaleHandler(core)
    views = ("status", "approval", "ephemeralcontainers", "resize", "finalize")
    subresources: dict[tuple[str, str, str], SubresourceHandler] = {
        ("", "pods", "binding"): binding,
        ("", "pods", "eviction"): EvictionHandler(core),
        ("", "serviceaccounts", "token"): TokenHandler(core, tokens),
    }
    for kind in ("log", "exec", "attach", "portforward"):
        subresources["", "pods", kind] = PodStreamHandler(core, kubelets, kind)
    for plural in ("nodes", "pods", "services"):
        subresources["", plural, "proxy"] = proxy
    return Dispatcher(
        core,
        presenter,
        subresources=subresources,
        default_subresources={**dict.fromkeys(views, view), "scale": scale},
        virtual={
            ("", "bindings"): binding,
            ("", "componentstatuses"): ComponentStatusHandler(presenter),
            **reviews,
        },
    )


def _bearer(core: Core, tokens: ServiceAccountTokens, identity: Identity) -> BearerAuthenticator:
    """Bearer tokens of service accounts, of bootstrapping nodes, from the static file, and of plugins' kinds."""
    on_use = TokenUse(core).note
    legacy = LegacyTokens(tokens.keys, core.find, api_audiences=(DEFAULT_ISSUER,), on_use=on_use)
    bootstrap = BootstrapTokens(core.find, api_audiences=(DEFAULT_ISSUER,), clock=core.clock)
    kinds: list[TokenAuthenticator] = [tokens, legacy, bootstrap]
    kinds += identity.token_authenticators
    if identity.token_file is not None:
        kinds.insert(0, TokenFile(identity.token_file, api_audiences=(DEFAULT_ISSUER,)))
    return BearerAuthenticator(kinds, api_audiences=(DEFAULT_ISSUER,), clock=core.clock)
