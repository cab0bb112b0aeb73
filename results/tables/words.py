"""Words: the spelling of numbers, intervals, verdicts and their marks in all tables, figures and sentences."""

import math

from ablations.tasks.metrics import is_share
from ablations.tasks.metrics import metric as known
from results.finding import Finding

DASH = '–'
TIMES = '\u00d7'
MINUS = '\u2212'


def scaled(value: float, metric: str) -> float:
    """A value in its printed unit: shares such as accuracies in percent, all else in the metric's unit."""
    return 100 * value if is_share(metric) else value


def difference_unit(finding: Finding) -> str:
    """The unit in which an effect is printed."""
    return 'points' if is_share(finding.metric) else finding.unit


def number(value: float | None, metric: str, signed: bool = False) -> str:
    """A metric or an effect: shares in percent with one decimal, all else with three.

    Errors in the unit of a target may be of any size: below 0.1 they have three significant digits, from 10 on four.

    >>> number(0.91234, 'accuracy'), number(2.3456, 'nats per token'), number(0.0123, 'accuracy', signed=True)
    ('91.2', '2.346', '+1.2')
    >>> number(88.2204, 'rmse'), number(48312.77, 'mae'), number(0.00042137, 'rmse'), number(-0.0000124, 'rmse', signed=True)
    ('88.22', '48313', '0.000421', '−0.0000124')
    """
    if value is None:
        return DASH
    decimals = 1 if is_share(metric) else 3
    if known(metric).own and value and not 0.1 <= abs(value) < 10:
        decimals = max(0, (2 if abs(value) < 1 else 3) - math.floor(math.log10(abs(value))))
    text = f'{scaled(float(f"{value:.6g}"), metric):{"+" if signed else ""}.{decimals}f}'
    zero = not text.strip('+-0.')
    return text.lstrip('+-') if zero else text.replace('-', MINUS)


def span(interval: tuple | None, metric: str, signed: bool = False) -> str:
    """An interval in brackets, or nothing.

    >>> span((0.01, 0.034), 'accuracy', signed=True)
    '[+1.0, +3.4]'
    """
    return '' if interval is None else f'[{", ".join(number(end, metric, signed) for end in interval)}]'


def estimate(value: float, interval: tuple | None, metric: str, signed: bool = False) -> str:
    """A value with its interval, where there is one.

    >>> estimate(0.02, (0.01, 0.034), 'accuracy', signed=True), estimate(2.5, None, 'loss')
    ('+2.0 [+1.0, +3.4]', '2.500')
    """
    return f'{number(value, metric, signed)} {span(interval, metric, signed)}'.strip()


def probability(p: float | None) -> str:
    """A p-value with three decimals.

    >>> probability(0.03), probability(0.0001), probability(None)
    ('0.030', '<0.001', '–')
    """
    return DASH if p is None else '<0.001' if p < 0.001 else f'{p:.3f}'


def count(value: float | None) -> str:
    """A large number to three significant digits: 12.3k, 4.56M.

    >>> count(12345), count(4_560_000), count(None)
    ('12.3k', '4.56M', '–')
    """
    if value is None:
        return DASH
    for power, letter in ((12, 'T'), (9, 'G'), (6, 'M'), (3, 'k')):
        if value >= 10**power * 0.9995:
            return f'{value / 10**power:#.3g}'.rstrip('.') + letter
    return f'{value:.3g}'


def verdict_words(finding: Finding) -> str:
    """The printed verdict, with `negligible` where the effect is significant and inside the margin."""
    return finding.verdict + ', negligible' * finding.negligible


def marks(finding: Finding) -> list[str]:
    """The marks beside a verdict: a winner whose optimum lies at the edge of its range may be better still, or lucky.

    Every censored arm is marked; so is its reference, if that one wins.
    """
    said = ['censored'] if finding.censored else []
    return said + ([f'{finding.base} censored'] if finding.base_censored and finding.verdict == 'worse' else [])


def marked(finding: Finding) -> str:
    """The verdict with its marks."""
    return ', '.join([verdict_words(finding), *marks(finding)])


def tasks(findings: list[Finding]) -> dict[str, list[Finding]]:
    """Findings by task, in the order given."""
    by_task = {}
    for finding in findings:
        by_task.setdefault(finding.task, []).append(finding)
    return by_task


def title(finding: Finding) -> str:
    """The title of a task: metric, unit, direction and margin."""
    unit = 'in %' if is_share(finding.metric) else f'in {finding.unit}'
    margin = f'{number(finding.margin, finding.metric)} {difference_unit(finding)}'
    return f'{finding.task}: {finding.metric} {unit}, {finding.direction} is better, margin {margin}'


def overall(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """The verdicts over all tasks: arm, verdict, reason."""
    return list({one.arm: (one.arm, one.overall, one.overall_reason) for one in findings}.values())
