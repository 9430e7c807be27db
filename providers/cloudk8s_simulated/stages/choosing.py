"""What happens to an object next, and when. Pure, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudk8s.client.interface import Object
from cloudk8s_simulated.stages.stage import Stage


@dataclass(frozen=True, slots=True)
class Choice:
    """A stage that an object will take."""

    stage: Stage
    delay: timedelta


def choose(stages: Sequence[Stage], obj: Object, now: datetime, chance: random.Random) -> Choice | None:
    """One of the stages that match, by weight; None where none does. Without any weight all are equally likely."""
    matching = [stage for stage in stages if stage.selector.matches(obj)]
    if not matching:
        return None
    weights = [stage.weight_for(obj) for stage in matching]
    stage = matching[0]
    if len(matching) > 1:
        (stage,) = chance.choices(matching, weights if any(weights) else None)
    return Choice(stage, stage.delay.of(obj, now, chance.random))


def chance_for(seed: int, kind: str, key: str, turn: int) -> random.Random:
    """The dice of an object's n-th decision: they do not depend on what happens to other objects."""
    return random.Random(f"{seed}/{kind}/{key}/{turn}")
