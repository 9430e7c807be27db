"""The image service of a CRI runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudk8s.node.runtimes.cri import translation
from cloudk8s.node.runtimes.cri.service import IMAGE, CriService
from cloudk8s.node.runtimes.interface import Credentials, FilesystemUsage, Image, ImageMissing


class CriImages:
    """Fulfils `ImageService`; who inherits it connects."""

    _service: CriService

    async def list_images(self) -> Sequence[Image]:
        answer = await self._service.call(
            "ListImages", {}, sends="ListImagesRequest", gets="ListImagesResponse", service=IMAGE
        )
        return [translation.image(each) for each in answer["images"]]

    async def image_status(self, reference: str) -> Image | None:
        request = {"image": {"image": reference}}
        answer = await self._service.call(
            "ImageStatus", request, sends="ImageRequest", gets="ImageStatusResponse", service=IMAGE
        )
        return translation.image(answer["image"]) if answer.get("image") else None

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        request: dict[str, Any] = {"image": {"image": reference}}
        if credentials is not None:
            request["auth"] = translation.auth(credentials)
        answer = await self._service.call(
            "PullImage", request, sends="PullImageRequest", gets="PullImageResponse", service=IMAGE, timeout=None
        )
        return str(answer["image_ref"])

    async def remove_image(self, reference: str) -> None:
        try:
            await self._service.call(
                "RemoveImage", {"image": {"image": reference}}, sends="ImageRequest", service=IMAGE
            )
        except ImageMissing:
            return

    async def image_filesystem(self) -> FilesystemUsage:
        answer = await self._service.call("ImageFsInfo", {}, sends="Empty", gets="ImageFsInfoResponse", service=IMAGE)
        for each in answer["image_filesystems"]:
            return FilesystemUsage(
                (each.get("fs_id") or {}).get("mountpoint", ""), (each.get("used_bytes") or {}).get("value", 0),
                (each.get("inodes_used") or {}).get("value", 0),
            )  # fmt: skip
        return FilesystemUsage("", 0)
