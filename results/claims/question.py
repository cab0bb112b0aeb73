"""Question: what a claim is an answer to, so that answers of different studies meet.

Two claims answer one question if they change the same into the same, in models of the same kinds, on the same datasets with
the same metric. Names of studies and arms do not matter, nor how large the models are or how long they train. A study of B
against A answers the question of A against B, the other way round.
"""

import dataclasses
from collections.abc import Mapping

from ablations.digest import canonical, digest
from results.claims.claim import Claim

OPPOSITE = {'better': 'worse', 'worse': 'better'}


@dataclasses.dataclass(frozen=True)
class Question:
    """The address of a question, and whether a claim answers it the other way round."""

    key: str
    reversed: bool = False


def question_of(claim: Claim) -> Question:
    """The question that a claim answers."""
    asked, sides = [], ([], [])
    for one in sorted(claim.settings, key=lambda one: (one.dataset, one.domain, canonical(one.differences))):
        places = [difference['path'] for difference in one.differences]
        rest = {place: kind for place, kind in one.kinds.items() if not any(_within(place, path) for path in places)}
        asked.append([one.dataset, places, rest])
        for difference in one.differences:
            for side, end in zip(sides, ('from', 'to'), strict=True):
                side.append(_side(difference, end))
    first, second = map(canonical, sides)
    about = [claim.scope, claim.metric, claim.direction, claim.blocks, asked]
    return Question(digest([about, *sorted((first, second))]), reversed=first > second)


def _within(place: str, path: str) -> bool:
    return place == path or place.startswith(f'{path}.')


def _side(difference: Mapping, end: str) -> object:
    """One end of a difference. Of a spec the kind counts, and the fields that an arm gives it; those of a base are its size."""
    spec = difference[end]
    if not isinstance(spec, Mapping):
        return spec
    fields = {name: value for name, value in spec.items() if name != 'kind'}
    return spec.get('kind') if end == 'from' or not fields else {'kind': spec.get('kind'), **fields}


def turned(claim: Claim) -> Claim:
    """The same claim told of its reference: what is better than that, that is worse than.

    Only what is compared is turned: names, verdict, effect, and counts of runs that diverged.
    """
    interval = None if claim.interval is None else tuple(None if end is None else -end for end in reversed(claim.interval))
    return dataclasses.replace(
        claim,
        arm=claim.base,
        base=claim.arm,
        verdict=OPPOSITE.get(claim.verdict, claim.verdict),
        effect=None if claim.effect is None else -claim.effect,
        interval=interval,
        diverged=claim.base_diverged,
        confirmed=claim.base_confirmed,
        base_diverged=claim.diverged,
        base_confirmed=claim.confirmed,
    )
