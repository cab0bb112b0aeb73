"""Matching: one model made as large as another, by its width or by the ratio of its channel block."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import jax

from ablations.config import Put, Swap, changed, put, swap
from ablations.digest import digest
from arch.cost import multiply_adds, parameters
from arch.sockets import TABLES
from sweeps.models.describe import Sizes, study_and_arm, subjects
from sweeps.models.specs import defaults

BY = {'params': parameters, 'macs': multiply_adds}
KNOBS = ('both', 'width', 'ratio')
LARGEST = 64
"""The largest candidate for the width, and for the ratio, as a multiple of the model's own."""
REACH = 256
"""How many neighbours on either side to try if a candidate does not build."""


@dataclasses.dataclass(frozen=True)
class Match:
    """The changes that make an arm as large as its base, the resulting config, and how near it comes.

    `changes` go behind the arm's own. `target`, `before`, `after`: the counted parameters or multiply-adds of the base, of the
    arm, and of the changed arm. `near`: whether `after` is within the tolerance.
    """

    by: str
    changes: tuple[Put | Swap, ...]
    config: dict
    target: int
    before: int
    after: int
    tolerance: float

    @property
    def off(self) -> float:
        """Its excess over the base, as a share of the base."""
        return self.after / self.target - 1

    @property
    def near(self) -> bool:
        return abs(self.off) <= self.tolerance

    def lines(self) -> list[str]:
        """The changes as a study file writes them."""
        return [written(change) for change in self.changes]

    def to_dict(self) -> dict:
        counts = {name: getattr(self, name) for name in ('by', 'target', 'before', 'after', 'off', 'tolerance', 'near')}
        return {**counts, 'changes': self.lines(), 'config': self.config}


def written(change: Put | Swap) -> str:
    """A change as a study file writes it."""
    if isinstance(change, Put):
        return f'put({change.path!r}, {change.value!r})'
    return f'swap({", ".join([repr(change.path), repr(change.kind), *(f"{name}={value!r}" for name, value in change.fields)])})'


def match_config(
    base: dict,
    arm: dict,
    x: jax.ShapeDtypeStruct,
    by: str = 'params',
    tolerance: float = 0.01,
    knob: str = 'both',
    tables: Mapping[str, Mapping[str, type]] = TABLES,
    base_x: jax.ShapeDtypeStruct | None = None,
    base_tables: Mapping[str, Mapping[str, type]] | None = None,
) -> Match:
    """The arm made as large as the base, by parameters or by multiply-adds of one input like `x`.

    `knob`: 'width' multiplies all widths of the arm by one factor; 'ratio' changes the hidden channels of its channel block (or
    of a block with its own ratio); 'both' does the first, and the second if the first is not near enough. Widths at which the
    arm does not build, as by indivisible heads, are skipped. `base_x`, `base_tables`: the input of the base and the tables of
    its kinds, if they differ from the arm's. The nearest match is returned, even outside the tolerance. Raises ValueError where
    base or arm does not build, or the arm has no such knob.
    """
    for name, value, allowed in (('by', by, tuple(BY)), ('knob', knob, KNOBS)):
        if value not in allowed:
            raise ValueError(f'match: {name}={value!r}; allowed: {list(allowed)}; change {name}')
    if not 0 < tolerance < 1:
        raise ValueError(f'match: tolerance={tolerance}; allowed: above 0 and below 1, usually 0.01')

    counts: dict[str, int] = {}

    def at(config: dict) -> int:
        address = digest(config)
        if address not in counts:
            counts[address] = BY[by](config, x, tables)
        return counts[address]

    target, before = BY[by](base, base_x or x, base_tables or tables), at(arm)
    changes: tuple = ()

    def result() -> Match:
        config, moved = changed(arm, changes), []
        for change in changes:
            if changed(arm, (*moved, change)) != changed(arm, tuple(moved)):
                moved.append(change)
        return Match(by, tuple(moved), config, target, before, at(config), tolerance)

    nearest = result()
    if knob in ('both', 'width') and not nearest.near:
        changes = _nearest(arm, (), _widths(arm), at, target)
        nearest = result()
    if knob == 'ratio' or (knob == 'both' and not nearest.near):
        ratios = _ratios(nearest.config, tables)
        if ratios is None and knob == 'ratio':
            raise ValueError('match: this model has no ratio of hidden channels; use --knob width')
        if ratios is not None and not nearest.near:
            changes = _nearest(arm, changes, ratios, at, target)
            tuned = result()
            nearest = tuned if abs(tuned.off) < abs(nearest.off) else nearest
    return nearest


@dataclasses.dataclass(frozen=True)
class Ladder:
    """Candidates numbered from 1 to `top` by size; number `own` is the unchanged model."""

    own: int
    top: int
    changes: Callable[[int], tuple]


def _body_widths(config: dict) -> list[int]:
    """The widths of the body, stage by stage. Raises ValueError where the config does not state them."""
    body = config['body']
    if 'widths' not in body and 'width' not in body:
        raise ValueError(f"match: body '{body['kind']}' is given without its width; write body.width or body.widths out")
    return body['widths'] if 'widths' in body else [body['width']]


def _widths(config: dict) -> Ladder:
    """The ladder of one factor on every width of the body, and on the stem's own width."""
    body, stem = config['body'], config['stem']
    widths = _body_widths(config)

    def changes(first: int) -> tuple:
        scaled = [round(width * first / widths[0]) for width in widths]
        puts = [put('body.widths', scaled) if 'widths' in body else put('body.width', scaled[0])]
        if stem.get('width'):
            puts.append(put('stem.width', max(1, round(stem['width'] * first / widths[0]))))
        return tuple(puts)

    return Ladder(widths[0], LARGEST * widths[0], changes)


def _ratios(config: dict, tables: Mapping) -> Ladder | None:
    """The ladder of the hidden channels of the widest block, by its ratio; None where no kind in use has a ratio."""
    # A block with a ratio makes its products itself and leaves the channel socket empty.
    socket = next((s for s in ('block', 'channel') if 'ratio' in defaults(tables[s][config[s]['kind']])), None)
    if socket is None:
        return None
    spec, width = config[socket], max(_body_widths(config))
    ratio = {**defaults(tables[socket][spec['kind']]), **spec}['ratio']

    def changes(hidden: int) -> tuple:
        value = round(hidden / width, 6)
        if 'ratio' in spec:
            return (put(f'{socket}.ratio', value),)
        fields = {name: field for name, field in spec.items() if name != 'kind'}
        return (swap(socket, spec['kind'], **fields, ratio=value),)

    own = max(1, round(ratio * width))
    return Ladder(own, LARGEST * own, changes)


def _nearest(arm: dict, before: tuple, ladder: Ladder, at: Callable[[dict], int], target: int) -> tuple:
    """The changes of the rung with the count nearest to the target: `before`, and the ladder's.

    Counts rise with the rung, so bisection finds the last rung below the target and the first one above it. A rung that does
    not build is replaced by its nearest sound neighbour.
    """
    counts: dict[int, int | None] = {}

    def count(rung: int) -> int | None:
        if rung not in counts:
            try:
                counts[rung] = at(changed(arm, (*before, *ladder.changes(rung))))
            except ValueError:
                counts[rung] = None
        return counts[rung]

    def builds(low: int, high: int, start: int) -> int | None:
        """The rung nearest to `start` that builds, strictly between low and high."""
        for step in range(min(high - low, REACH)):
            for rung in (start - step, start + step):
                if low < rung < high and count(rung) is not None:
                    return rung
        return None

    low, high = 0, ladder.top + 1
    start = ladder.own
    while (rung := builds(low, high, start)) is not None:
        if count(rung) <= target:
            low = rung
        else:
            high = rung
        # Until a larger one is known, guess by a count that rises with the square of the width.
        guess = math.isqrt(round(rung**2 * target / max(count(rung), 1)))
        start = min(max(guess, low + 1), high - 1) if high > ladder.top else (low + high) // 2
    ends = [rung for rung in (low, high) if counts.get(rung) is not None]
    best = min(ends, key=lambda rung: abs(counts[rung] - target))
    return (*before, *ladder.changes(best))


def match(
    what: str,
    to: str | None,
    task: str | None,
    by: str,
    tolerance: float,
    knob: str,
    settings: list[str],
) -> dict[str, dict]:
    """Models made as large as another: {model: {to, changes, target, before, after, off, near ...}}, an arm once for each task.

    `what` is STUDY/ARM, a published model or a task (its base). `to` is one of these too, or another arm of the study; without
    it the study's base. Raises ValueError for a whole study, an unknown task, or where there is nothing to match.
    """
    arms, study = subjects(what, settings, Sizes()), None
    if any(len(path) > 1 for path in arms):
        raise ValueError(f"'{what}' is a whole study; one model is matched: write {what}/ARM")
    if () not in arms:
        study = study_and_arm(what, settings)[0]
    if to is None and study is None:
        raise ValueError(f"'{what}' is no arm of a study; say with --to which model it shall be as large as")
    arm = to or study.base
    of_study = study is not None and arm in study.arms
    bases = subjects(f'{what.rpartition("/")[0]}/{arm}' if of_study else to, settings, Sizes())
    tasks = [path[0] for path in arms if path]
    if task is not None and task not in tasks:
        raise ValueError(f"--task {task}: '{what}' has no such task; allowed: {tasks or 'none, leave it out'}")
    matches = {}
    for path, subject in arms.items():
        if path and task not in (None, path[0]):
            continue
        base = bases.get(path) or bases.get(())
        if base is None:
            raise ValueError(
                f"--to '{arm}' has no model for {subject.name}; give a published model, a task or an arm on that task"
            )
        with subject.building(base):
            made = match_config(
                base.config, subject.config, subject.x, by, tolerance, knob, subject.tables, base.x, base.tables
            )
        matches[subject.name] = {'to': base.name, **made.to_dict()}
    return matches
