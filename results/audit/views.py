"""Views of an audit: tables for people (Markdown, terminal) and programs (CSV, JSON), the rules, and the conclusion."""

import csv
import io
import json
from collections.abc import Iterable

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from results.audit.comparisons import NOT, ON_THE_LINE, POWER, SEPARATES, UNSAID, VERDICTS, ZERO, Comparison
from results.audit.rules import BROKEN, UNKNOWN
from results.rounding import plain
from results.store.markdown_text import unrendered
from results.store.spreadsheets import inert
from results.tables import DASH, MINUS, probability

COLUMNS = ('arm', 'against', 'size', 'value', 'effect', 'adj. p', 'detectable', 'verdict', 'rules broken')
COLOURS = {SEPARATES: 'green', ON_THE_LINE: 'yellow', UNSAID: 'red'}
FACTS = (
    *(
        'task',
        'arm',
        'against',
        'direction',
        'value',
        'sd',
        'n',
        'size_ratio',
        'effect',
        'interval',
        'p',
        'p_adjusted',
        'p_low',
        'p_high',
    ),
    *('detectable', 'verdict', 'depends_on_rounding', 'reason'),
)


def number(value: float | None, decimals: int, signed: bool = False) -> str:
    """A value or an effect, with as many decimals as the table was published with."""
    if value is None:
        return DASH
    text = f'{float(f"{value:.6g}"):{"+" if signed else ""}.{decimals}f}'
    zero = not text.strip('+-0.')
    return text.lstrip('+-') if zero else text.replace('-', MINUS)


def _measured(one: Comparison) -> str:
    spread = '' if one.sd is None else f' ± {number(one.sd, max(one.decimals, 2))}'
    return f'{number(one.value, one.decimals)}{spread}' + ('' if one.n is None else f', n {one.n}')


def _interval(one: Comparison) -> str:
    return '' if one.interval is None else f'[{", ".join(number(end, one.decimals, True) for end in one.interval)}]'


def _verdict(one: Comparison) -> str:
    return one.verdict + ', depends on rounding' * one.depends_on_rounding


def _short(one: Comparison) -> str:
    return ', '.join(rule.short for rule in one.broken()) or DASH


def cells(one: Comparison) -> tuple[str, ...]:
    """The cells of one comparison, in the order of COLUMNS."""
    effect = f'{number(one.effect, one.decimals, True)} {_interval(one)}'.strip()
    reach = number(one.detectable, one.decimals)
    size = DASH if one.size_ratio is None else f'{one.size_ratio:.2f}×'
    return one.arm, one.against, size, _measured(one), effect, probability(one.p_adjusted), reach, _verdict(one), _short(one)


def _tasks(comparisons: Iterable[Comparison]) -> dict[str, list[Comparison]]:
    by_task = {}
    for one in comparisons:
        by_task.setdefault(one.task, []).append(one)
    return by_task


def _names(some: list[Comparison], all_of_them: list[Comparison]) -> str:
    """Comparisons by the names of their arms; `all of` a task, or all, in one word."""
    if len(some) == len(all_of_them) > 1:
        return f'all {len(all_of_them)}'
    within, parts = _tasks(all_of_them), []
    for task, here in _tasks(some).items():
        where = f' on {task}' if len(within) > 1 else ''
        names = ', '.join(one.arm for one in here)
        parts.append(f'all {len(here)}{where}' if len(here) == len(within[task]) > 1 else f'{names}{where}')
    return '; '.join(parts)


def reasons(comparisons: list[Comparison], state: str) -> dict[str, list[tuple[str, str]]]:
    """The rules in one state: rule -> (why, of which comparisons). Equal reasons are put together."""
    by_rule: dict[str, dict[str, list]] = {}
    for one in comparisons:
        for rule in one.rules:
            if rule.state == state:
                by_rule.setdefault(rule.name, {}).setdefault(rule.why, []).append(one)
    order = [rule.name for rule in comparisons[0].rules]
    ordered = {name: by_rule[name] for name in order if name in by_rule}
    return {name: [(why, _names(some, comparisons)) for why, some in whys.items()] for name, whys in ordered.items()}


def note(comparisons: list[Comparison], alpha: float) -> str:
    """The line below a table: its columns, its test, and the family of comparisons."""
    family = sum(one.verdict != UNSAID for one in comparisons)
    directions = ' and '.join(dict.fromkeys(one.direction for one in comparisons))
    test = 'runs of the same seed in pairs, else Welch' if any(one.pairs for one in comparisons) else 'Welch'
    return (
        f'Value ± standard deviation over n runs, {directions} is better. Effect: arm minus against, above 0 better, with its '
        f'95% interval, not adjusted. Adj. p: {test}, Holm over {family} testable comparison{"s" * (family != 1)}; at a '
        f'familywise error rate of {100 * alpha:g}% below {0.8 * alpha:.2g} separates and up to {1.2 * alpha:.2g} is on the '
        f'line. Detectable: the smallest effect found with {100 * POWER:g}% power at {100 * alpha:g}% / {max(family, 1)}. '
        f'Depends on rounding: the digits left out in print could change the verdict. {DASH}: not known, not defined or none.'
    )


def cautions(comparisons: list[Comparison]) -> list[str]:
    """A sentence on each verdict to be doubted: p close to alpha, no variance, or a p that rounding decides."""
    several = len(_tasks(comparisons)) > 1
    return [
        f'{one.arm} against {one.against}{f" on {one.task}" * several}: {one.reason}.'
        for one in comparisons
        if one.verdict in (ON_THE_LINE, ZERO) or one.depends_on_rounding
    ]


def _count(count: int, word: str) -> str:
    return f'{count} {word}{"s" * (count != 1)}'


def conclusion(comparisons: list[Comparison], alpha: float) -> tuple[str, str]:
    """The findings of a table, and its limits."""
    by = {kind: [one for one in comparisons if one.verdict == kind] for kind in VERDICTS}
    several = len(_tasks(comparisons)) > 1

    def named(some: list[Comparison]) -> str:
        return '; '.join(
            ', '.join(f'{one.arm} {number(one.effect, one.decimals, True)}' for one in here) + f' on {task}' * several
            for task, here in _tasks(some).items()
        )

    tested = len(comparisons) - len(by[UNSAID])
    if not tested:
        shows = 'It shows no difference that could be tested.'
    else:
        which = f' ({named(by[SEPARATES])})' if by[SEPARATES] else ''
        shows = (
            f'It shows: {len(by[SEPARATES]) or "none"} of {_count(tested, "testable comparison")} '
            f'separate{"s" * (len(by[SEPARATES]) == 1)} at a familywise error rate of {100 * alpha:g}%{which}'
        )
        if by[ON_THE_LINE]:
            shows += f'; {len(by[ON_THE_LINE])} on the line ({named(by[ON_THE_LINE])})'
        rounded = [one.arm for one in comparisons if one.depends_on_rounding]
        shows += f'; on rounding depend{"s" * (len(rounded) == 1)}: {", ".join(rounded)}.' if rounded else '.'
    gaps = []
    if by[NOT]:
        sizes = [number(end([one.detectable for one in by[NOT]]), by[NOT][0].decimals) for end in (min, max)]
        span = f'about {sizes[0]}' if sizes[0] == sizes[1] else f'about {sizes[0]} to {sizes[1]}'
        which = 'the one that does not separate makes' if len(by[NOT]) == 1 else f'the {len(by[NOT])} that do not separate make'
        gaps.append(f'that {which} no difference: only effects of {span} would likely be found')
    if by[UNSAID]:
        gaps.append(f'anything of {_count(len(by[UNSAID]), "comparison")} without deviation or count')
    unfair = [one for one in by[SEPARATES] if one.broken()]
    if unfair:
        gaps.append(
            f'that it is the change in name that separates {_count(len(unfair), "arm")}: '
            f'{"it breaks" if len(unfair) == 1 else "they break"} a rule of an honest comparison'
        )
    unsaid = list(reasons(comparisons, UNKNOWN))
    if unsaid:
        gaps.append(f'whether rules hold of which it says nothing ({", ".join(unsaid)})')
    return shows, f'It does not show {"; nor ".join(gaps)}.' if gaps else 'No rule that the audit knows is broken.'


def _markdown(comparisons: list[Comparison], alpha: float) -> str:
    several = len(_tasks(comparisons)) > 1
    names = ('task', *COLUMNS) if several else COLUMNS
    right = ('size', 'value', 'effect', 'adj. p', 'detectable')
    lines = [f'| {" | ".join(names)} |', f'| {" | ".join("---:" if name in right else "---" for name in names)} |']
    for one in comparisons:
        row = (one.task, *cells(one)) if several else cells(one)
        lines.append(f'| {" | ".join(map(unrendered, row))} |')
    sizes = 'Size: GFLOPs beside those of the row compared with, or parameters where there are none. '
    lines += [
        '',
        unrendered(sizes + note(comparisons, alpha)),
        *(f'\n{unrendered(said)}' for said in cautions(comparisons)),
        '',
        '| rule broken | why | comparisons |',
        '| --- | --- | --- |',
    ]
    for name, whys in reasons(comparisons, BROKEN).items():
        lines += [f'| {name} | {unrendered(why)} | {unrendered(which)} |' for why, which in whys]
    unknown = reasons(comparisons, UNKNOWN)
    if unknown:
        lines += ['', '| cannot be known: the table does not say | comparisons |', '| --- | --- |']
        lines += [f'| {unrendered(why)} | {unrendered(which)} |' for whys in unknown.values() for why, which in whys]
    shows, does_not = map(unrendered, conclusion(comparisons, alpha))
    return '\n'.join([*lines, '', shows, '', does_not]) + '\n'


def facts(comparisons: list[Comparison], alpha: float) -> dict:
    """The whole audit as plain data, numbers rounded to six significant digits."""
    shows, does_not = conclusion(comparisons, alpha)
    rows = []
    for one in comparisons:
        row = {name: getattr(one, name) for name in FACTS}
        rules = [{'rule': rule.name, 'state': rule.state, 'why': rule.why} for rule in one.rules]
        rows.append({**row, 'rules': rules})
    family = sum(one.verdict != UNSAID for one in comparisons)
    return plain({'alpha': alpha, 'family': family, 'comparisons': rows, 'shows': shows, 'does_not_show': does_not})


def _json(comparisons: list[Comparison], alpha: float) -> str:
    return json.dumps(facts(comparisons, alpha), indent=1, allow_nan=False, ensure_ascii=False) + '\n'


def _csv(comparisons: list[Comparison], alpha: float) -> str:
    text, rows = io.StringIO(), []
    for row in facts(comparisons, alpha)['comparisons']:
        low, high = row.pop('interval') or (None, None)
        said = {
            state: '; '.join(f'{rule["rule"]}: {rule["why"]}' for rule in row['rules'] if rule['state'] == state)
            for state in (BROKEN, UNKNOWN)
        }
        del row['rules']
        rows.append(
            {**row, 'interval_low': low, 'interval_high': high, 'rules_broken': said[BROKEN], 'not_said': said[UNKNOWN]}
        )
    writer = csv.DictWriter(text, list(rows[0]), lineterminator='\n')
    writer.writeheader()
    writer.writerows({name: inert(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


FORMATS = {'md': _markdown, 'csv': _csv, 'json': _json}


def table(comparisons: list[Comparison], format: str, alpha: float) -> str:
    """An audit as text. Raises ValueError on an unknown format.

    >>> from results.audit.comparisons import audit
    >>> from results.audit.input import Row
    >>> rows = [Row('base', 'digits', 2, value=96.0, sd=0.2, n=5, value_half=0.05, sd_half=0.05)]
    >>> rows += [Row('mine', 'digits', 3, value=96.8, sd=0.3, n=5, value_half=0.05, sd_half=0.05)]
    >>> print(table(audit(rows), 'md', alpha=0.05).splitlines()[2])
    | mine | base | – | 96.8 ± 0.30, n 5 | +0.8 [+0.4, +1.2] | 0.002 | 0.5 | separates | one dataset |
    """
    if format not in FORMATS:
        raise ValueError(f"format '{format}'; allowed: {['terminal', *FORMATS]}; choose one of them")
    return FORMATS[format](comparisons, alpha)


def _frame(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        title=Text(title, style='italic') if title else None,
        title_justify='left',
        padding=(0, 1, 0, 0),
        show_edge=False,
    )


def _task(title: str, comparisons: list[Comparison]) -> Table:
    shown = _frame(title)
    longest = max(max(len(one.arm), len(one.against)) for one in comparisons)
    shown.add_column('arm\nagainst', overflow='fold', min_width=min(longest, 22))
    for name in ('value\nsd, runs', 'effect\n95% interval', 'adj. p\ndetect.'):
        shown.add_column(name, justify='right', no_wrap=True)
    shown.add_column('verdict\nrules broken')
    for one in comparisons:
        spread = '' if one.sd is None else f'± {number(one.sd, max(one.decimals, 2))}'
        shown.add_row(
            Text(f'{one.arm}\n{one.against}'),
            f'{number(one.value, one.decimals)}\n' + ', '.join(filter(None, [spread, '' if one.n is None else f'n {one.n}'])),
            Text(f'{number(one.effect, one.decimals, True)}\n{_interval(one)}'),
            f'{probability(one.p_adjusted)}\n{number(one.detectable, one.decimals)}',
            Text.assemble((_verdict(one), COLOURS.get(one.verdict, '')), '\n', (_short(one), 'dim')),
        )
    return shown


def terminal(comparisons: list[Comparison], alpha: float) -> Group:
    """An audit for a rich console: tables by task, the rules that are broken or not said, and the conclusion."""
    parts = [_task(task, of_task) for task, of_task in _tasks(comparisons).items()]
    for state, title in ((BROKEN, 'Rules broken'), (UNKNOWN, 'Cannot be known: the table does not say')):
        shown = _frame(title)
        for name in ('rule', 'why' if state == BROKEN else 'what', 'comparisons'):
            shown.add_column(name)
        for name, whys in reasons(comparisons, state).items():
            for why, which in whys:
                shown.add_row(name, Text(why), Text(which))
        parts += [Text(''), shown] if shown.row_count else []
    said_below = (*cautions(comparisons), *conclusion(comparisons, alpha))
    return Group(*parts, Text('\n' + note(comparisons, alpha)), *(Text('\n' + said) for said in said_below))
