"""Give each service account a Secret with a token and name it there.

Control planes before 1.24 did so, and suites of that age wait for it in every namespace.

    python -m tests.conformance.legacy_tokens --kubeconfig ~/.kube/config
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import SECRETS, SERVICE_ACCOUNTS
from cloudk8s.errors import StatusError


async def give_tokens(client: Client) -> None:
    """Follow all service accounts until cancelled."""
    while True:
        with contextlib.suppress(StatusError, OSError):
            async with client.watch(SERVICE_ACCOUNTS, send_initial_events=True) as events:
                async for event in events:
                    if event.type in ("ADDED", "MODIFIED") and not event.object.get("secrets"):
                        # An account may go, or another run of this may have come first.
                        with contextlib.suppress(StatusError):
                            await give_token(client, event.object)


async def give_token(client: Client, account: Object) -> None:
    metadata = account["metadata"]
    name = f"{metadata['name']}-token-{metadata['uid'][:5]}"
    annotations = {"kubernetes.io/service-account.name": metadata["name"]}
    secret = {
        "metadata": {"name": name, "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }
    await client.create(SECRETS, secret, namespace=metadata["namespace"])
    named = {"secrets": [{"name": name}]}
    await client.patch(SERVICE_ACCOUNTS, metadata["name"], named, namespace=metadata["namespace"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Give each service account a Secret with a token.")
    parser.add_argument("--kubeconfig", type=Path, required=True)

    async def follow() -> None:
        await give_tokens(NetworkClient(load_connection(parser.parse_args().kubeconfig)))

    asyncio.run(follow())


if __name__ == "__main__":
    main()
