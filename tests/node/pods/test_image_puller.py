"""How an image gets onto the node: by the pull policy, with every login that fits, and not too often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.pods.image_puller import ImageError, ImagePuller
from cloudk8s.node.runtimes.interface import Credentials, Image, ImagePullFailed, ImageService

POD: Object = {"metadata": {"name": "p", "namespace": "default", "uid": "u"}, "spec": {}}


@dataclass
class Registry:
    """Images that are here, and those that can be pulled, with the password they want."""

    here: set[str] = field(default_factory=set)
    there: dict[str, str] = field(default_factory=dict)
    pulls: list[tuple[str, str]] = field(default_factory=list)

    async def image_status(self, reference: str) -> Image | None:
        return Image(reference, size=7) if reference in self.here else None

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        password = credentials.password if credentials is not None else ""
        self.pulls.append((reference, password))
        if self.there.get(reference) != password:
            raise ImagePullFailed("denied")
        self.here.add(reference)
        return reference


@dataclass
class Logins:
    """Fulfils `CredentialSource`."""

    passwords: Sequence[str] = ()

    async def credentials(self, pod: Object, reference: str) -> Sequence[Credentials]:
        return [Credentials("me", password) for password in self.passwords]


class Told(list[tuple[str, str]]):
    def __call__(self, kind: EventKind, reason: str, note: str) -> None:
        self.append((reason, note))


def puller(registry: Registry, *passwords: str, clock: FakeClock | None = None) -> ImagePuller:
    images = cast(ImageService, registry)
    return ImagePuller(images, clock=clock or FakeClock(), credentials=Logins(passwords))


async def ensure(of: ImagePuller, policy: str, reference: str = "app:1") -> tuple[Any, Told]:
    told = Told()
    return await of.ensure(POD, reference, policy, told), told


async def test_policies_say_when_to_pull() -> None:
    registry = Registry({"app:1"}, {"app:1": ""})
    _, told = await ensure(puller(registry), "IfNotPresent")
    assert (registry.pulls, told[0][0]) == ([], "Pulled")
    await ensure(puller(registry), "Never")
    assert registry.pulls == []
    _, told = await ensure(puller(registry), "Always")
    assert registry.pulls == [("app:1", "")]
    assert [reason for reason, _ in told] == ["Pulling", "Pulled"]
    assert told[1][1].endswith("Image size: 7 bytes.")


@pytest.mark.parametrize(
    ("policy", "reference", "reason"),
    [
        ("Never", "app:1", "ErrImageNeverPull"), ("Always", "Not A Name", "InvalidImageName"),
        ("Always", "", "InvalidImageName"), ("IfNotPresent", "app:1", "ErrImagePull"),
    ],
)  # fmt: skip
async def test_what_can_not_be_had_says_why(policy: str, reference: str, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        await ensure(puller(Registry()), policy, reference)
    assert caught.value.reason == reason


async def test_logins_are_tried_one_after_another() -> None:
    registry = Registry(there={"app:1": "sesame"})
    await ensure(puller(registry, "wrong", "sesame"), "IfNotPresent")
    assert registry.pulls == [("app:1", "wrong"), ("app:1", "sesame")]


async def test_failures_are_repeated_with_growing_waits() -> None:
    registry, clock = Registry(), FakeClock()
    pulling = puller(registry, clock=clock)
    waits = []
    for _ in range(3):
        with pytest.raises(ImageError, match="denied") as failed:
            await ensure(pulling, "IfNotPresent")
        with pytest.raises(ImageError, match="Back-off pulling image") as caught:
            await ensure(pulling, "IfNotPresent")
        assert (failed.value.reason, caught.value.reason) == ("ErrImagePull", "ImagePullBackOff")
        assert caught.value.wait is not None
        waits.append(caught.value.wait)
        await clock.advance(caught.value.wait.total_seconds() + 0.1)
    assert waits == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert len(registry.pulls) == 3
