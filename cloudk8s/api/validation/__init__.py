"""Rules that several kinds share: object metadata, names, selectors, pod specs, volumes, resources.

Belongs here: pure functions from a piece of an object and its path to findings, in upstream's order and words.
Forbidden here: a kind's own rules (those are in `cloudk8s.api.strategies`), defaults, I/O.

Two conventions: `validate_…` returns its findings; `check_…` takes first the list that findings are added to, as
creates are a hot path and most pieces are fine. Paths are strings, made once a struct or where a finding is made.
"""
