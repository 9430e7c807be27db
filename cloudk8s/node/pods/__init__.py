"""Pods on this node: what should happen next, and doing it.

Belongs here: what a pod's state is (`status/`), what follows from it (`plan.py`: pure), the workers that do it.
Forbidden here: how a runtime makes containers, how volumes are made, the serving side.
"""
