"""The store that the settings name."""

from __future__ import annotations

from urllib.parse import quote

from cloudk8s.machinery.clock import Clock
from cloudk8s.plugin import Plugins, StorageBackends
from cloudk8s.settings import ClusterSettings
from cloudk8s.storage.interface import Store
from cloudk8s.storage.opening import StoreRegistry, open_store


async def open_configured_store(
    settings: ClusterSettings, plugins: Plugins | None = None, *, clock: Clock | None = None
) -> Store:
    """Open the store; the caller closes it. Plugins are loaded only for a scheme that is not built in."""
    url = settings.store or f"sqlite://{quote(str(settings.data_dir / 'store.db'))}"
    registry = StoreRegistry()
    if url.partition("://")[0] not in registry.schemes:
        _add_plugins(registry, plugins or Plugins.load(disabled=settings.disabled_plugins))
    return await open_store(url, registry=registry, clock=clock)


def _add_plugins(registry: StoreRegistry, plugins: Plugins) -> None:
    for backend in plugins.registry(StorageBackends):
        registry.register(backend.name, backend.factory)
