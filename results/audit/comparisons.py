"""Audit: the lab's statistics and rules on somebody's published means and deviations.

Effects are in the metric's good direction: above 0 the row is better than the one that it is compared with.
"""

import dataclasses
import itertools
import math

import numpy as np

from ablations.config import closest
from results.audit.input import NOTHING, Row
from results.audit.rules import Pairs, Rule, missing, rules, size_ratios
from results.statistics import Difference, detectable, holm

LEVEL = 0.95
POWER = 0.8
LINE = 0.2
"""An adjusted p within this share of the error rate is on the line: at 5 %, from 0.04 to 0.06."""
POINTS = 9
"""How many deviations are tried within the range of rounding. p is not monotone in them; 9 find its bounds to 1 %."""
SEPARATES, NOT, ON_THE_LINE = 'separates', 'does not separate', 'on the line'
ZERO, UNSAID = 'zero variance', 'cannot be said'
VERDICTS = (SEPARATES, ON_THE_LINE, NOT, ZERO, UNSAID)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One row against another of the same task. What is not known is None.

    effect, interval       difference in the good direction with its 95 % interval (paired by seed or Welch, not adjusted)
    p, p_adjusted          of effect = 0, and by Holm over all comparisons of the table that have deviations and counts
    p_low, p_high          bounds of p_adjusted, over all values that round to the printed ones, in all rows at once
    detectable             the smallest effect that such a comparison finds with 80 % power at alpha / family
    pairs                  runs that were compared seed by seed; 0 where means are
    decimals               to which the values are printed
    size_ratio             the row's GFLOPs over the other's, parameters where there are no GFLOPs
    """

    task: str
    arm: str
    against: str
    direction: str
    decimals: int
    value: float | None
    sd: float | None
    n: int | None
    effect: float | None
    verdict: str
    reason: str
    rules: tuple[Rule, ...]
    size_ratio: float | None = None
    interval: tuple | None = None
    p: float | None = None
    p_adjusted: float | None = None
    p_low: float | None = None
    p_high: float | None = None
    detectable: float | None = None
    pairs: int = 0
    depends_on_rounding: bool = False

    def broken(self) -> list[Rule]:
        """The rules that this comparison breaks."""
        return [rule for rule in self.rules if rule.state == 'broken']


def bases(rows: list[Row], against: str | None = None) -> Pairs:
    """Which row each row is compared with: the one it names, else the row before it in its task.

    `against` set to 'first' or 'previous' row of the task overrides what the rows name. Raises ValueError on a row that names
    itself or no row of its task, and on rows in a circle.

    >>> rows = [Row(arm, 'digits', line, value=None) for line, arm in enumerate(('base', 'one', 'two'), 2)]
    >>> {arm: base and base.arm for (_, arm), base in bases(rows).bases.items()}
    {'base': None, 'one': 'base', 'two': 'one'}
    >>> {arm: base and base.arm for (_, arm), base in bases(rows, 'first').bases.items()}
    {'base': None, 'one': 'base', 'two': 'base'}
    """
    base_of: dict[tuple, Row | None] = {}
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        tasks.setdefault(row.task, []).append(row)
    for task, here in tasks.items():
        names = {row.arm: row for row in here}
        for i, row in enumerate(here):
            base = here[0 if against == 'first' else i - 1] if i else None
            if against is None and row.against == NOTHING:
                base = None
            elif against is None and row.against:
                if row.against not in names or row.against == row.arm:
                    where = f' on {task}' if task else ''
                    raise ValueError(
                        f"row {row.line}: against '{row.against}', no other row{where}; allowed: "
                        f'{[name for name in names if name != row.arm]}, or {NOTHING} for none.{closest(row.against, names)}'
                    )
                base = names[row.against]
            base_of[task, row.arm] = base
    ends = set()  # rows from which the way to a row without a base is known
    for row in rows:
        seen, base = {row.arm: None}, base_of[row.task, row.arm]
        while base is not None and (base.task, base.arm) not in ends:
            if base.arm in seen:
                raise ValueError(
                    f'row {row.line}: {" against ".join([*seen, base.arm])} is a circle; write {NOTHING} in the column against '
                    'of the row to begin with'
                )
            seen[base.arm] = None
            base = base_of[base.task, base.arm]
        ends |= {(row.task, arm) for arm in seen}
    if not any(base_of.values()):
        raise ValueError(
            f'nothing to compare: {len(rows)} row{"s" * (len(rows) > 1)}, none against another; a task needs two rows or more'
        )
    return Pairs({(row.task, row.arm): row for row in rows}, base_of)


def _effect(row: Row, base: Row) -> float | None:
    if row.value is None or base.value is None:
        return None
    return (base.value - row.value) if row.direction == 'lower' else (row.value - base.value)


def difference(row: Row, base: Row) -> Difference:
    """The difference in the good direction: of pairs where runs of the same seeds are given, else Welch's (1947) from means,
    deviations and counts of both.

    >>> base = Row('base', 'digits', 2, value=96.0, sd=0.2, n=5)
    >>> welch = difference(Row('mine', 'digits', 3, value=96.4, sd=0.3, n=5), base)
    >>> round(welch.effect, 2), welch.p() < 0.05
    (0.4, True)
    """
    scale = max(abs(row.value), abs(base.value))
    if pairs := pairs_of(row, base):
        return _paired(_effect(row, base), _deviation(pairs), len(pairs), scale)
    return _welch(_effect(row, base), row.sd, row.n, base.sd, base.n, scale)


def pairs_of(row: Row, base: Row) -> list[tuple[float, float]]:
    """The values of both by seed, where runs of the same seeds are given; else none."""
    own, other = dict(row.runs), dict(base.runs)
    return [(own[seed], other[seed]) for seed in sorted(own)] if own.keys() == other.keys() else []


def _paired(effect: float, sd: float, n: int, scale: float) -> Difference:
    """The difference of pairs whose differences have a deviation of `sd`."""
    if sd <= 1e-12 * scale:
        return Difference(effect, 0.0, 0.0)
    return Difference(effect, sd / math.sqrt(n), n - 1)


def _deviation(pairs: list[tuple[float, float]]) -> float:
    return float(np.std([own - other for own, other in pairs], ddof=1))


def _welch(effect: float, sd: float, n: int, base_sd: float, base_n: int, scale: float) -> Difference:
    parts = sd**2 / n, base_sd**2 / base_n
    total = sum(parts)
    # The mean of equal numbers may be off in its last bit: such a deviation is none.
    if total <= (1e-12 * scale) ** 2:
        return Difference(effect, 0.0, 0.0)
    freedom = total**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (base_n - 1))
    return Difference(effect, math.sqrt(total), freedom)


def _p(difference: Difference) -> float:
    """p of effect = 0. Where nothing varies, its limit for deviations that go to 0."""
    p = difference.p()
    return p if p is not None else float(difference.effect == 0)


def rounding(row: Row, base: Row) -> tuple[float, float]:
    """The least and the greatest p over all numbers that round to the printed ones."""
    effect, half = abs(row.value - base.value), row.value_half + base.value_half
    # Two decimal numbers a digit apart are not exactly so in binary.
    nearest = 0.0 if effect <= half * (1 + 1e-9) else effect - half
    scale = max(abs(row.value), abs(base.value))
    if pairs := pairs_of(row, base):
        sd, n = _deviation(pairs), len(pairs)
        off = half * math.sqrt(n / (n - 1))
        deviations = np.linspace(max(0.0, sd - off), sd + off, POINTS).tolist()
        tried = [_p(_paired(distance, one, n, scale)) for distance in (nearest, effect + half) for one in deviations]
        return min(tried), max(tried)
    ends = [np.linspace(max(0.0, one.sd - one.sd_half), one.sd + one.sd_half, POINTS).tolist() for one in (row, base)]
    probabilities = [
        _p(_welch(distance, sd, row.n, base_sd, base.n, scale))
        for distance in (nearest, effect + half)
        for sd, base_sd in itertools.product(*ends)
    ]
    return min(probabilities), max(probabilities)


def verdict(p_adjusted: float, alpha: float) -> str:
    """What an adjusted p says at this error rate.

    >>> verdict(0.03, alpha=0.05), verdict(0.05, alpha=0.05), verdict(0.3, alpha=0.05)
    ('separates', 'on the line', 'does not separate')
    """
    if p_adjusted < (1 - LINE) * alpha:
        return SEPARATES
    return ON_THE_LINE if p_adjusted <= (1 + LINE) * alpha else NOT


def audit(rows: list[Row], against: str | None = None, alpha: float = 0.05) -> list[Comparison]:
    """Every comparison of the table in the order of its rows. `alpha` is the error rate of all of them together.

    Raises ValueError on an alpha outside (0, 1), and where `against` (see `bases`) cannot be followed.

    >>> rows = [Row('base', 'digits', 2, value=96.0, sd=0.2, n=5, value_half=0.05, sd_half=0.05)]
    >>> rows += [Row('mine', 'digits', 3, value=96.8, sd=0.3, n=5, value_half=0.05, sd_half=0.05)]
    >>> [(one.arm, one.against, round(one.effect, 2), one.verdict) for one in audit(rows)]
    [('mine', 'base', 0.8, 'separates')]
    """
    if not 0 < alpha < 1:
        raise ValueError(f'--alpha {alpha:g}; an error rate lies between 0 and 1; the usual one is 0.05')
    pairs = bases(rows, against)
    paired = [(row, base) for row in rows if (base := pairs.bases[row.task, row.arm]) is not None]
    tested = [pair for pair in paired if not missing(*pair)]
    differences = [difference(*pair) for pair in tested]
    # Where nothing varies there is no test, but the comparison was made: it counts in the family.
    printed = holm([1.0 if one.error == 0 else one.p() for one in differences])
    lows, highs = (holm(list(ends)) for ends in zip(*(rounding(*pair) for pair in tested), strict=True)) if tested else ((), ())
    read = {
        (row.task, row.arm): _reading(*facts, alpha, len(tested), len(pairs_of(row, base)))
        for (row, base), *facts in zip(tested, differences, printed, lows, highs, strict=True)
    }
    return [
        Comparison(
            **{name: getattr(row, name) for name in ('task', 'arm', 'direction', 'value', 'sd', 'n')},
            against=base.arm,
            decimals=max(0, round(-math.log10(2 * row.value_half))),
            effect=_effect(row, base),
            size_ratio=next((ratio for ratio, _ in size_ratios(row, base)), None),
            rules=tuple(rules(row, base, pairs)),
            **read.get((row.task, row.arm), {'verdict': UNSAID, 'reason': missing(row, base)}),
        )
        for row, base in paired
    ]


def _reading(one: Difference, printed: float, low: float, high: float, alpha: float, family: int, paired_runs: int) -> dict:
    """The verdict on a difference, from its adjusted p as printed and the bounds of rounding."""
    facts = {'pairs': paired_runs, 'p_low': low, 'p_high': high, 'detectable': detectable(one, alpha / family, POWER)}
    between = f'with the digits left out in print it lies between {low:.2g} and {high:.2g}'
    ends = [verdict(p, alpha) for p in (low, high)]
    if one.error == 0:
        same = 'both means are the same' if one.effect == 0 else f'the means differ by {one.effect:+.6g}'
        reason = f'a deviation of 0 on both sides, so no test is defined; {same}; adjusted p: {between}'
        return {**facts, 'verdict': ZERO, 'depends_on_rounding': ends[0] != ends[1], 'reason': reason}
    kind = verdict(printed, alpha)
    depends = ends != [kind, kind]
    reason = f'adjusted p {printed:.2g}' + f', {paired_runs} runs paired by their seeds' * bool(paired_runs)
    if kind == ON_THE_LINE:
        reason += f' is within a fifth of {alpha:g}: neither reading is safe'
    reason += f'; {between}' * depends
    facts.update(interval=one.interval(LEVEL), p=one.p(), p_adjusted=printed)
    return {**facts, 'verdict': kind, 'depends_on_rounding': depends, 'reason': reason}
