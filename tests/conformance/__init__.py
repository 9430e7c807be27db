"""Upstream's conformance suite against our clusters: images for it, a runner and a table; docs/conformance.md says how.

Forbidden here: tests of our own, and anything of upstream's.
"""
