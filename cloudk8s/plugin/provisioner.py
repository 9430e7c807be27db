"""For authors of provisioners: the contract, and the controller that drives one.

Example::

    @hookimpl
    def register_controllers(registry):
        registry.register("nfs-provisioner", lambda context: VolumeProvisioning(context, NfsProvisioner(context)))
"""

from __future__ import annotations

from cloudk8s.client.interface import Client, DeleteOptions, Object, Resource
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.volume_provisioning.controller import VolumeProvisioning
from cloudk8s.controllers.volume_provisioning.interface import (
    Expanded,
    ProvisionedVolume,
    Provisioner,
    ProvisioningError,
    VolumeWish,
    WrongNode,
)
from cloudk8s.errors import AlreadyExists, NotFound
from cloudk8s.machinery.clock import Clock

__all__ = [
    "AlreadyExists", "Client", "Clock", "Controller", "ControllerContext", "DeleteOptions", "Expanded", "NotFound",
    "Object", "ProvisionedVolume", "Provisioner", "ProvisioningError", "Resource", "VolumeProvisioning", "VolumeWish",
    "WrongNode",
]  # fmt: skip
