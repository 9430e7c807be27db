"""For authors of controllers: what a controller is, what it is given, and the machinery that the built-in ones use."""

from __future__ import annotations

from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Client, DeleteOptions, ListOptions, Object, Resource
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.errors import AlreadyExists, Conflict, NotFound

__all__ = [
    "AlreadyExists", "Client", "Conflict", "Controller", "ControllerContext", "DeleteOptions", "Informer", "Informers",
    "ListOptions", "NotFound", "Object", "Resource", "WorkQueue", "run_workers",
]  # fmt: skip
