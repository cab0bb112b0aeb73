"""Tables: findings as rows for people (Markdown, LaTeX, HTML, terminal) and for programs (CSV, JSON).

One row for each task and arm, the base first; numbers carry their interval, and what is not known is a dash.
"""

import csv
import dataclasses
import html
import io
import json
import re

from results.evidence import Finding

DASH = '–'
TIMES = '\u00d7'
MINUS = '\u2212'
COLUMNS = (
    'params',
    'multiply-adds',
    'value',
    'own-best effect',
    'shared-recipe effect',
    'adjusted p',
    'verdict',
    'LR sensitivity',
    'diverged',
)
VERDICT = COLUMNS.index('verdict')


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a table says in one place: `text`, and `small` for an interval or ratio beside it."""

    text: str
    small: str = ''

    def __str__(self) -> str:
        return f'{self.text} {self.small}'.strip()


@dataclasses.dataclass(frozen=True)
class Row:
    """One arm on one task: cells in the order of COLUMNS; `bold` where the value is the best and called better."""

    task: str
    arm: str
    cells: tuple
    bold: bool = False


def scaled(value: float, metric: str) -> float:
    """A value as it is printed: accuracies in percent, all else in the metric's unit."""
    return 100 * value if metric == 'accuracy' else value


def difference_unit(finding: Finding) -> str:
    """The unit in which an effect is printed."""
    return 'points' if finding.metric == 'accuracy' else finding.unit


def number(value: float | None, metric: str, signed: bool = False) -> str:
    """A metric or an effect: accuracies in percent with one decimal, all else with three."""
    if value is None:
        return DASH
    decimals = 1 if metric == 'accuracy' else 3
    text = f'{scaled(value, metric):{"+" if signed else ""}.{decimals}f}'
    zero = not text.strip('+-0.')
    return text.lstrip('+-') if zero else text.replace('-', MINUS)


def span(interval: tuple | None, metric: str, signed: bool = False) -> str:
    """An interval in brackets, or nothing."""
    return '' if interval is None else f'[{", ".join(number(end, metric, signed) for end in interval)}]'


def probability(p: float | None) -> str:
    """A p-value with three decimals."""
    return DASH if p is None else '<0.001' if p < 0.001 else f'{p:.3f}'


def count(value: float | None) -> str:
    """A large number to three significant digits: 12.3k, 4.56M."""
    if value is None:
        return DASH
    for power, letter in ((12, 'T'), (9, 'G'), (6, 'M'), (3, 'k')):
        if value >= 10**power * 0.9995:
            return f'{value / 10**power:#.3g}'.rstrip('.') + letter
    return f'{value:.3g}'


def verdict_words(finding: Finding) -> str:
    """The verdict as printed: with `negligible` where it is significant and inside the margin."""
    negligible = finding.verdict in ('better', 'worse') and 'negligible' in finding.reason
    return finding.verdict + ', negligible' * negligible


def tasks(findings: list[Finding]) -> dict[str, list[Finding]]:
    """Findings by task, in the order given."""
    found = {}
    for finding in findings:
        found.setdefault(finding.task, []).append(finding)
    return found


def title(finding: Finding) -> str:
    """What a task measures: metric, unit, direction and margin."""
    unit = 'in %' if finding.metric == 'accuracy' else f'in {finding.unit}'
    margin = f'{number(finding.margin, finding.metric)} {difference_unit(finding)}'
    return f'{finding.task}: {finding.metric} {unit}, {finding.direction} is better, margin {margin}'


def _sized(value: float | None, ratio: float | None) -> Cell:
    return Cell(count(value), '' if value is None or ratio is None else f'({ratio:.2f}{TIMES})')


def _share(value: float | None) -> Cell:
    return Cell(DASH if value is None else f'{100 * value:.1f}%')


def _loss(value: float | None) -> Cell:
    return Cell(DASH if value is None else f'{value:.3f}')


def _base_row(findings: list[Finding]) -> Row:
    one = findings[0]
    sizes = []
    for value, ratio in ((one.params, one.params_ratio), (one.macs, one.macs_ratio)):
        sizes.append(_sized(round(value / ratio), 1.0) if value is not None and ratio else Cell(DASH))
    cells = (
        *sizes,
        Cell(number(one.base_value, one.metric), span(one.base_interval, one.metric)),
        *[Cell(DASH)] * 3,
        Cell('base' + ', censored' * bool(one.base_censored)),
        _loss(one.base_lr_sensitivity),
        _share(one.base_diverged_share),
    )
    return Row(one.task, one.base, cells)


def _row(one: Finding, best: float | None) -> Row:
    cells = (
        _sized(one.params, one.params_ratio),
        _sized(one.macs, one.macs_ratio),
        Cell(number(one.value, one.metric), span(one.interval, one.metric)),
        Cell(number(one.effect, one.metric, True), span(one.effect_interval, one.metric, True)),
        Cell(number(one.shared_effect, one.metric, True), span(one.shared_interval, one.metric, True)),
        Cell(probability(one.p_adjusted)),
        Cell(verdict_words(one) + ', censored' * bool(one.censored)),
        _loss(one.lr_sensitivity),
        _share(one.diverged_share),
    )
    return Row(one.task, one.arm, cells, bold=one.verdict == 'better' and one.value == best)


def rows(findings: list[Finding]) -> dict[str, list[Row]]:
    """Rows by task, the base's own first."""
    found = {}
    for task, items in tasks(findings).items():
        known = [value for value in (items[0].base_value, *(item.value for item in items)) if value is not None]
        best = (max if items[0].direction == 'higher' else min)(known, default=None)
        found[task] = [_base_row(items), *(_row(item, best) for item in items)]
    return found


def overall(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """The verdict over all tasks: arm, verdict, reason."""
    return list({one.arm: (one.arm, one.overall, one.overall_reason) for one in findings}.values())


def note(findings: list[Finding], alpha: float | None = None) -> str:
    """The line below a table: replicates, seeds, test, family, test examples, and what is censored."""
    if not findings:
        return 'No comparisons: the study has one arm only.'
    one = findings[0]
    sizes = {f.task: f.n_test for f in findings if f.n_test is not None}
    tested = ', '.join(f'{task} {size:,}' for task, size in sizes.items()) or 'not known yet'
    censored = [f'{f.arm} on {f.task} ({", ".join(f.censored)})' for f in findings if f.censored]
    firsts = [items[0] for items in tasks(findings).values()]
    censored = [f'{f.base} on {f.task} ({", ".join(f.base_censored)})' for f in firsts if f.base_censored] + censored
    level = '' if alpha is None else f' at a familywise error rate of {100 * alpha:g}%'
    sentences = [
        f'Mean [95% interval] over {one.replicates} tuning replicates of {one.seeds} confirmation seeds each',
        'Effects are arm minus base, above 0 better: each at its own best recipe, and both at the recipe of the base',
        f'{one.test}, Holm over {len(findings)} comparisons{level}',
        f'Test examples: {tested}',
        'LR sensitivity in nats; diverged: share of runs',
        *([f'Censored, the optimum lies at the edge of the searched range: {"; ".join(censored)}'] if censored else []),
        f'{DASH}: not known or not defined',
    ]
    return '. '.join(sentences) + '.'


def _markdown(findings: list[Finding], alpha: float | None) -> str:
    lines = ['| task | arm | ' + ' | '.join(COLUMNS) + ' |']
    aligned = ['---' if i == VERDICT else '---:' for i in range(len(COLUMNS))]
    lines.append('| --- | --- | ' + ' | '.join(aligned) + ' |')
    for task, found in rows(findings).items():
        for row in found:
            cells = [f'**{c.text}** {c.small}'.strip() if row.bold and i == 2 else str(c) for i, c in enumerate(row.cells)]
            lines.append(f'| {task} | {row.arm} | ' + ' | '.join(cells) + ' |')
    lines += ['', '| arm | over all tasks | why |', '| --- | --- | --- |']
    lines += [f'| {arm} | {verdict} | {reason} |' for arm, verdict, reason in overall(findings)]
    lines += ['', *(title(items[0]) + '.  ' for items in tasks(findings).values()), note(findings, alpha)]
    return '\n'.join(lines) + '\n'


_TEX = {
    **{mark: '\\' + mark for mark in '&%$#_{}'},
    **{'\\': r'\textbackslash{}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}'},
    **{'<': '$<$', '>': '$>$', '|': r'\textbar{}', DASH: '--', TIMES: r'$\times$', MINUS: '$-$'},
}


def tex(text: str) -> str:
    """Text with every character that LaTeX reads as a command escaped."""
    return re.sub('.', lambda found: _TEX.get(found[0], found[0]), text)


def _latex(findings: list[Finding], alpha: float | None) -> str:
    def cell(item: Cell, bold: bool = False) -> str:
        main = rf'\textbf{{{tex(item.text)}}}' if bold else tex(item.text)
        return main + (rf' {{\tiny {tex(item.small)}}}' if item.small else '')

    width = len(COLUMNS) + 1
    lines = [
        '% needs \\usepackage{booktabs}',
        r'\begin{table*}[t]',
        r'\centering\scriptsize\setlength{\tabcolsep}{4pt}',
        rf'\begin{{tabular}}{{@{{}}l{"".join("l" if i == VERDICT else "r" for i in range(len(COLUMNS)))}@{{}}}}',
        r'\toprule',
        ' & '.join(['arm', *COLUMNS]) + r' \\',
    ]
    for task, found in rows(findings).items():
        heading = title(tasks(findings)[task][0])
        lines += [r'\midrule', rf'\multicolumn{{{width}}}{{@{{}}l}}{{\textit{{{tex(heading)}}}}} \\']
        for row in found:
            cells = [cell(item, row.bold and i == 2) for i, item in enumerate(row.cells)]
            lines.append(' & '.join([tex(row.arm), *cells]) + r' \\')
    lines += [r'\midrule', rf'\multicolumn{{{width}}}{{@{{}}l}}{{\textit{{Over all tasks}}}} \\']
    for arm, verdict, reason in overall(findings):
        lines.append(rf'{tex(arm)} & \multicolumn{{{width - 1}}}{{l@{{}}}}{{\textit{{{tex(verdict)}}} -- {tex(reason)}}} \\')
    lines += [r'\bottomrule', r'\end{tabular}', r'\par\medskip', rf'\parbox{{\textwidth}}{{{tex(note(findings, alpha))}}}']
    return '\n'.join([*lines, r'\end{table*}']) + '\n'


def _html(findings: list[Finding], alpha: float | None) -> str:
    def cell(item: Cell, kind: str, bold: bool) -> str:
        main = f'<strong>{html.escape(item.text)}</strong>' if bold else html.escape(item.text)
        return f'<td{kind}>{main}{f" <small>{html.escape(item.small)}</small>" if item.small else ""}</td>'

    def kind(row: Row, index: int) -> str:
        return f' class="verdict {row.cells[index].text.split(",")[0].replace(" ", "-")}"' if index == VERDICT else ''

    def heads(*names: str) -> str:
        worded = ('arm', 'verdict', 'why')
        return ''.join(f'<th scope="col"{" class=" * (n in worded)}{"word" * (n in worded)}>{n}</th>' for n in names)

    head = heads('arm', *COLUMNS)
    lines = ['<table class="findings">', '<caption>Findings by task and arm</caption>', f'<thead><tr>{head}</tr></thead>']
    for task, found in rows(findings).items():
        heading = html.escape(title(tasks(findings)[task][0]))
        lines += ['<tbody>', f'<tr><th scope="rowgroup" colspan="{len(COLUMNS) + 1}">{heading}</th></tr>']
        for row in found:
            cells = ''.join(cell(item, kind(row, i), row.bold and i == 2) for i, item in enumerate(row.cells))
            lines.append(f'<tr><th scope="row">{html.escape(row.arm)}</th>{cells}</tr>')
        lines.append('</tbody>')
    lines += ['</table>', '<table class="overall">', '<caption>Verdict over all tasks</caption>']
    lines += [f'<thead><tr>{heads("arm", "verdict", "why")}</tr></thead>', '<tbody>']
    for arm, verdict, reason in overall(findings):
        mark = f'<td class="verdict {verdict.replace(" ", "-")}">{verdict}</td>'
        lines.append(f'<tr><th scope="row">{html.escape(arm)}</th>{mark}<td class="why">{html.escape(reason)}</td></tr>')
    return '\n'.join([*lines, '</tbody>', '</table>', f'<p class="note">{html.escape(note(findings, alpha))}</p>']) + '\n'


def _csv(findings: list[Finding], alpha: float | None) -> str:
    def flat(name: str, value: object) -> dict:
        if name.endswith('interval'):
            low, high = (None, None) if value is None else value
            return {f'{name}_low': low, f'{name}_high': high}
        return {name: '; '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}

    names = [key for field in dataclasses.fields(Finding) for key in flat(field.name, None)]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator='\n')
    writer.writeheader()
    for one in findings:
        writer.writerow({key: item for name, value in one.to_dict().items() for key, item in flat(name, value).items()})
    return text.getvalue()


def _json(findings: list[Finding], alpha: float | None) -> str:
    return json.dumps([one.to_dict() for one in findings], indent=2, allow_nan=False) + '\n'


FORMATS = {'md': _markdown, 'latex': _latex, 'csv': _csv, 'html': _html, 'json': _json}


def table(findings: list[Finding], format: str, alpha: float | None = None) -> str:
    """The findings of a study as text; the note names `alpha`, the study's familywise error rate, where it is given.

    Raises ValueError on an unknown format.
    """
    if format not in FORMATS:
        raise ValueError(f"there is no table format '{format}'; allowed: {list(FORMATS)}; choose one of them")
    return FORMATS[format](findings, alpha)
