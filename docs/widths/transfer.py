"""Does the best learning rate stay where it is when a model grows wider?

A transformer of two blocks on tiny Shakespeare, 64, 128 and 256 channels wide, in heads of 32, under AdamW without weight
decay: standard first values (lecun_normal) and muP with base width 64. At width 64 both are one model.

    python docs/widths/transfer.py train RECORDS     # goes on where RECORDS ends; ARCHLAB_DATA as for archlab
    python docs/widths/transfer.py judge RECORDS     # best rates, their ratios, and the figure beside RECORDS

Each of 3 seeds draws its own validation text and first values. A run has 150 steps of 8 windows, and the loss is that on the
validation text after the last one. A best rate is the lowest point of a parabola through the best of the tried ones and its two
neighbours; what is judged is the mean over seeds of its distance to that of width 64 in octaves.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ablations.config import changed, put, swap
from ablations.tasks import task

WIDTHS, SEEDS, STEPS, BATCH = (64, 128, 256), (0, 1, 2), 150, 8
HALF_OCTAVES = range(-21, -7)
"""Rates are 2 ** (h / 2): from 2^-10.5 to 2^-4, as far as a curve needs them."""
FIRST = range(-17, -10)
"""The rates that every curve has; others are added at an edge at which the best one lies."""
WAYS = ('standard', 'mup')


def config(way: str, width: int) -> dict:
    """The model of a width in one of the two ways."""
    changes = (put('body.width', width), put('body.depth', 2), put('mixer.heads', width // 32))
    mup = (swap('initial', 'mup', base_width=WIDTHS[0]),) if way == 'mup' else ()
    return changed(task('tiny_shakespeare').base, changes + mup)


def wanted(losses: dict[tuple, float]) -> Iterator[tuple[str, int, int, int]]:
    """Runs that are still to do: those of FIRST, then steps outwards while a seed's best rate is the last on a side."""
    for width in reversed(WIDTHS):
        for way in WAYS if width > WIDTHS[0] else WAYS[:1]:
            for seed in SEEDS:
                own = {rate: losses.get((way, width, rate, seed)) for rate in FIRST}
                missing = [rate for rate, loss in own.items() if loss is None]
                if missing:
                    yield from ((way, width, rate, seed) for rate in missing)
                    continue
                own = {key[2]: loss for key, loss in losses.items() if (key[0], key[1], key[3]) == (way, width, seed)}
                best = min(own, key=own.get)
                for beyond in (best - 1, best + 1):
                    if beyond not in own and beyond in HALF_OCTAVES:
                        yield way, width, beyond, seed


def train(path: Path) -> None:
    """Train what is wanted; a line of RECORDS for each run."""
    from arch.model import build
    from sweeps.tasks.batch_order import batch_order
    from sweeps.training.loop import make_training
    from sweeps.training.population import Population
    from sweeps.training.preflight import task_of
    from sweeps.training.splits import tuning_split

    own = task_of(task('tiny_shakespeare').data)
    pool, programs = own.pool(), {}
    splits = {seed: tuning_split(own, 'widths', 'tiny_shakespeare', seed, pool) for seed in SEEDS}
    while runs := list(wanted(read(path))):
        for way, width, rate, seed in runs:
            if (way, width) not in programs:
                programs = {
                    (way, width): Population(make_training(build(config(way, width)), own, 'adamw', STEPS, BATCH, 1), 'loop')
                }
            knobs = {'lr': np.float32(2 ** (rate / 2))}
            lane = {'seed': np.uint32(seed), 'order': batch_order(seed, splits[seed].train, STEPS, BATCH), 'knobs': knobs}
            held = {'x': splits[seed].held.x, 'y': splits[seed].held.y}
            result, seconds = programs[way, width].run([lane], {'x': pool.x, 'y': pool.y}, held)[0]
            loss = round(float(result['curve']['loss'][-1]), 5)
            line = {'way': way, 'width': width, 'rate': rate, 'seed': seed, 'loss': loss, 'seconds': round(seconds, 1)}
            with path.open('a', encoding='utf-8') as file:
                file.write(json.dumps(line) + '\n')


def read(path: Path) -> dict[tuple, float]:
    """The held-out loss by (way, width, rate, seed); width 64 stands for both ways."""
    lines = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()] if path.exists() else []
    return {(line['way'], line['width'], line['rate'], line['seed']): line['loss'] for line in lines}


def best_rate(curve: dict[int, float]) -> float:
    """The lowest point, in octaves, of a parabola through the best rate of a curve and its neighbours."""
    best = min(curve, key=curve.get)
    if best - 1 not in curve or best + 1 not in curve:
        return best / 2
    low, here, high = (curve[rate] for rate in (best - 1, best, best + 1))
    return (best + (low - high) / (2 * (low - 2 * here + high))) / 2


def judged(losses: dict[tuple, float]) -> dict:
    """Best rates by way and width for every seed, and their ratios to those of the narrowest with a 95 % interval."""
    told: dict = {}
    for way in WAYS:
        rates = {}
        for width in WIDTHS:
            held = WAYS[0] if width == WIDTHS[0] else way
            curves = [
                {key[2]: loss for key, loss in losses.items() if (key[0], key[1], key[3]) == (held, width, seed)}
                for seed in SEEDS
            ]
            rates[width] = [best_rate(curve) for curve in curves]
        told[way] = {'best': {width: [2**octave for octave in own] for width, own in rates.items()}, 'ratio': {}}
        for width in WIDTHS[1:]:
            octaves = np.subtract(rates[width], rates[WIDTHS[0]])
            # The quantile 0.975 of Student's t with two degrees of freedom.
            half = 4.302653 * octaves.std(ddof=1) / len(octaves) ** 0.5
            told[way]['ratio'][width] = [
                float(2**octave) for octave in (octaves.mean(), octaves.mean() - half, octaves.mean() + half)
            ]
    return told


def draw(losses: dict[tuple, float], path: Path) -> None:
    """The loss by the rate for each width, in a panel for each way: the mean of the seeds, and each of them as a point."""
    from results.figures.style import COLOURS, blank, house, rendered

    with house():
        figure = blank(7.0, 2.6)
        for panel, way in zip(figure.subplots(1, 2, sharex=True, sharey=True), WAYS, strict=True):
            for number, width in enumerate(WIDTHS, 1):
                held = WAYS[0] if width == WIDTHS[0] else way
                own: dict[int, list[float]] = {}
                for key, loss in sorted(losses.items(), key=lambda entry: entry[0][2]):
                    if key[:2] == (held, width):
                        own.setdefault(key[2], []).append(loss)
                whole = {rate: np.mean(values) for rate, values in own.items() if len(values) == len(SEEDS)}
                colour = COLOURS[number]
                panel.plot([2 ** (rate / 2) for rate in whole], list(whole.values()), color=colour, label=f'{width} channels')
                points = [(2 ** (rate / 2), loss) for rate, values in own.items() for loss in values]
                panel.plot(*zip(*points, strict=True), 'o', color=colour, markersize=2)
            panel.set_xscale('log', base=2)
            panel.set_xticks([0.001, 0.002, 0.004, 0.008, 0.016], ['0.001', '0.002', '0.004', '0.008', '0.016'])
            panel.set_xlabel('learning rate')
            panel.set_title({'standard': 'standard', 'mup': 'muP'}[way], loc='left')
        figure.axes[0].set_ylabel('validation loss (nats)')
        figure.axes[1].legend()
    path.write_bytes(rendered(figure, 'svg'))


if __name__ == '__main__':
    action, records = sys.argv[1], Path(sys.argv[2])
    if action == 'train':
        train(records)
    else:
        draw(read(records), records.with_suffix('.svg'))
        print(json.dumps(judged(read(records)), indent=1))
