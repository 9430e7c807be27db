"""What this plugin adds: the controller `ingress`."""

from __future__ import annotations

from cloudk8s.plugin import Controllers, hookimpl
from cloudk8s.plugin.controllers import Controller, ControllerContext


@hookimpl
def register_controllers(registry: Controllers) -> None:
    registry.register("ingress", controller, description="Ingresses of class cloudk8s are served here by nginx")


def controller(context: ControllerContext) -> Controller:
    """Make the controller."""
    from cloudk8s_ingress.controller import IngressController

    return IngressController(context)
