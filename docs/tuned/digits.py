"""Is each optimizer, tuned for itself, about as good as AdamW on digits?

A study for each optimizer, all of one name, so that replicate r of each has the same split of the data: 8 tuning trials of its
default space, 5 replicates, 2 seeds, the base of the task.

    python docs/tuned/digits.py run RUNS         # goes on where RUNS ends
    python docs/tuned/digits.py judge RUNS       # for each the effect against AdamW and its 95 % interval, in points
"""

import json
import sys
from pathlib import Path

from ablations.spaces import SPACES
from ablations.study import Study

BASE = 'adamw'
FIRST = (BASE, *sorted(set(SPACES) - {BASE}))


def study(kind: str) -> Study:
    """The study of one optimizer."""
    return Study(
        name='tuned_digits',
        question=__doc__,
        arms={'convnext': ()},
        tasks=('digits',),
        tune={kind: SPACES[kind]},
        trials=8,
        extension=4,
        replicates=5,
        seeds=2,
        looks=(5,),
    )


def run(runs: Path) -> None:
    """Train what is missing."""
    from archlab import run_study

    for kind in FIRST:
        run_study(study(kind), runs=runs / kind, workers=1)


def judged(runs: Path) -> dict:
    """By optimizer: the accuracy of its replicates, and its effect against AdamW, paired by replicate and item."""
    from archlab import open_study
    from results.noise import Noise
    from results.side import Side

    own = {kind: study(kind) for kind in FIRST if (runs / kind).is_dir()}
    sides = {kind: Side(open_study(one, runs=runs / kind).reading, 'convnext', one.tasks[0]) for kind, one in own.items()}
    sides = {kind: side for kind, side in sides.items() if side.values is not None}
    noise = Noise(
        {kind: side.values for kind, side in sides.items()}, {kind: side.items_of['confirm'] for kind, side in sides.items()}
    )
    told = {}
    for kind, side in sides.items():
        told[kind] = {'replicates': [round(float(value), 6) for value in side.values]}
        if kind != BASE:
            difference = noise.difference(kind, BASE)
            low, high = difference.interval(0.95)
            points = (difference.effect, low, high)
            told[kind] |= dict(zip(('effect', 'low', 'high'), (round(100 * value, 2) for value in points), strict=True))
    return told


if __name__ == '__main__':
    action, folder = sys.argv[1], Path(sys.argv[2])
    if action == 'run':
        run(folder)
    else:
        rows = [f'{json.dumps(kind)}: {json.dumps(row)}' for kind, row in judged(folder).items()]
        print('{\n' + ',\n'.join(rows) + '\n}')
