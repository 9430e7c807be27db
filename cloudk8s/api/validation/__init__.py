"""Rules that several kinds share: object metadata, names, selectors, pod specs, volumes, resources.

Belongs here: pure functions from a piece of an object and its path to findings, in upstream's order and words.
Forbidden here: a kind's own rules (those are in `cloudk8s.api.strategies`), defaults, I/O.

Paths are strings and are put together only where a finding is made, or once a struct: creates are a hot path.
"""
