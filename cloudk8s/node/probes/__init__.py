"""Asking containers how they are: startup, liveness and readiness probes, and the same ways of asking for hooks.

Forbidden here: what follows from an answer; that is the plan's and the status's.
"""
