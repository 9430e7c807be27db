"""The port: opened before the component works, closed after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.client.delegation import CacheTimes, Delegation
from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.controlplane.diagnostics import certificate
from cloudk8s.controlplane.diagnostics.authority import PublishedAuthority
from cloudk8s.controlplane.diagnostics.guard import Guard
from cloudk8s.controlplane.diagnostics.pages import Component, Pages
from cloudk8s.controlplane.diagnostics.renewal import FileRenewal
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock


@asynccontextmanager
async def diagnosed(
    component: Component, settings: ServingSettings, client: Client, *, clock: Clock
) -> AsyncIterator[None]:
    """Serve the pages of a component while the block runs; `client` is its own. Raises SettingsError."""
    if not settings.secure_port:
        yield
        return
    context = await asyncio.to_thread(certificate.context, component.name, settings)
    async with AsyncExitStack() as stack:
        asked = await _client(stack, settings.authentication_kubeconfig, client, component.name)
        judge = await _client(stack, settings.authorization_kubeconfig, client, component.name)
        if settings.client_ca_file is None and not settings.authentication_skip_lookup:
            following = PublishedAuthority(context).follow(asked, clock=clock)
            await stack.enter_async_context(_beside(following, "client authority"))
        renewal = FileRenewal(
            context,
            certificate=settings.tls_cert_file,
            key=settings.tls_private_key_file,
            client_ca=settings.client_ca_file,
        )
        if renewal.files:
            await stack.enter_async_context(_beside(renewal.follow(clock=clock), "serving certificates"))
        guard = _guard(Pages(component, clock=clock), settings, asked, judge, clock)
        server = HTTPServer(guard, context, host=settings.bind_address, port=settings.secure_port, clock=clock)
        try:
            await stack.enter_async_context(server)
        except OSError as error:
            where = f"port {settings.secure_port} of {settings.bind_address}"
            raise SettingsError(f"--secure-port: {where}: {error}; choose another one, or 0 for none") from error
        yield


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run something while the block runs. What the block raises leaves as it is; the work itself does not end."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _client(stack: AsyncExitStack, kubeconfig: Path | None, own: Client, name: str) -> Client:
    """Of the cluster that the kubeconfig names; the component's own without one."""
    if kubeconfig is None:
        return own
    made = NetworkClient(load_connection(kubeconfig), settings=NetworkSettings(user_agent=name))
    stack.push_async_callback(made.close)
    return made


def _guard(pages: Pages, settings: ServingSettings, asked: Client, judge: Client, clock: Clock) -> Guard:
    times = CacheTimes(
        settings.authentication_token_webhook_cache_ttl.total_seconds(),
        settings.authorization_webhook_cache_authorized_ttl.total_seconds(),
        settings.authorization_webhook_cache_unauthorized_ttl.total_seconds(),
    )
    authentication = Delegation(asked, clock=clock, times=times)
    authorization = authentication if judge is asked else Delegation(judge, clock=clock, times=times)
    return Guard(pages, authentication, authorization, settings.authorization_always_allow_paths)
