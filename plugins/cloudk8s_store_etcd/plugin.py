"""What this plugin adds: the scheme `etcd://`."""

from __future__ import annotations

from typing import Any

from cloudk8s.errors import SettingsError
from cloudk8s.plugin import StorageBackends, hookimpl


@hookimpl
def register_storage_backends(registry: StorageBackends) -> None:
    registry.register("etcd", open_etcd, description="etcd://host:port[,host:port...][/root][?ca=&cert=&key=]")


async def open_etcd(url: str, **options: Any) -> Any:
    """Open the store that an `etcd://` URL names."""
    try:
        from cloudk8s_store_etcd.store import EtcdStore
    except ImportError as error:
        raise SettingsError("the etcd store needs grpcio: pip install 'cloudk8s[etcd]'") from error
    from cloudk8s_store_etcd.address import Address

    return await EtcdStore.open(Address.parse(url), **options)
