"""Which of the feasible nodes is best; ties are broken fairly."""

from __future__ import annotations

import random
from typing import cast

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Floats, Ints
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import Candidates, Cycle


def choose(profile: Profile, cycle: Cycle, mask: Bools, rng: random.Random, more: Floats | None = None) -> int | None:
    """The slot of the best feasible node; None if there is none. `more` is added to the scores, by slot."""
    count = int(np.count_nonzero(mask))
    if count == 0:
        return None
    if count == 1:
        return int(mask.argmax())
    candidates = Candidates(slice(0, len(mask)) if count == len(mask) else np.flatnonzero(mask), count)
    total = totals(profile, cycle, candidates)
    if more is not None:
        added = more[candidates.rows]
        total = added if total is None else total + added
    if total is None:
        position = rng.randrange(count)
    else:
        best = np.flatnonzero(total == total.max())
        position = int(best[rng.randrange(len(best))] if len(best) > 1 else best[0])
    return position if isinstance(candidates.rows, slice) else int(candidates.rows[position])


def totals(profile: Profile, cycle: Cycle, candidates: Candidates) -> Floats | Ints | None:
    """The weighted sum of all scores; None if no plugin tells the candidates apart."""
    for preparing in profile.pre_score:
        preparing.pre_score(cycle, candidates)
    total: Floats | Ints | None = None
    for plugin, weight in profile.score:
        scores = plugin.score(cycle, candidates)
        if scores is None:
            continue
        weighted = scores if weight == 1 else scores * weight
        total = weighted if total is None else cast("Floats | Ints", total + weighted)
    return total
