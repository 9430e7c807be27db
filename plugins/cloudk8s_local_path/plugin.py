"""What this plugin adds: the controller `local-path-provisioner`."""

from __future__ import annotations

from cloudk8s.plugin import Controllers, hookimpl
from cloudk8s.plugin.provisioner import Controller, ControllerContext


@hookimpl
def register_controllers(registry: Controllers) -> None:
    registry.register("local-path-provisioner", controller, description="claims become directories of their node")


def controller(context: ControllerContext) -> Controller:
    """Make the controller."""
    from cloudk8s_local_path.controller import LocalPathController

    return LocalPathController(context)
