"""Joint table: the effects of several studies in one table, a row for each task and arm, a column for each study."""

import collections
import dataclasses
import html
from collections.abc import Sequence

from results.finding import Finding
from results.store.markdown_text import unrendered
from results.tables.flat import as_lines, as_list, records
from results.tables.latex import tex
from results.tables.markup import name_of
from results.tables.rows import Cell
from results.tables.study_facts import StudyFacts
from results.tables.words import DASH, count, difference_unit, marked, number, span

Studies = Sequence[tuple[list[Finding], StudyFacts]]
"""The findings of each study with what else is known of it, in the order of the columns."""
NOTE = (
    'Effects are arm minus what it is compared with, above 0 better, each at its own best recipe, with 95 % intervals. A '
    'verdict is of its own study, whose error rate it keeps; no test here is over several studies.'
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One arm against another on one task: an effect and a verdict for each study, empty where it has no such comparison."""

    task: str
    arm: str
    effects: tuple[Cell, ...]
    verdicts: tuple[str, ...]

    def pairs(self) -> list[tuple[Cell, str]]:
        """The effect and the verdict of each study."""
        return list(zip(self.effects, self.verdicts, strict=True))


@dataclasses.dataclass(frozen=True)
class Joint:
    """The rows under the names of the studies; `sizes` are parameters of the base of each."""

    studies: tuple[str, ...]
    rows: tuple[Row, ...]
    sizes: tuple[str, ...]

    def by_task(self) -> dict[str, list[Row]]:
        """The rows of each task, by its title."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row.task, []).append(row)
        return groups


def joint(studies: Studies) -> Joint:
    """The findings of several studies side by side.

    A comparison is the same in two studies where task, dataset, metric, unit and both arms have the same names.

    Raises ValueError where no study has a finding, and where two have one name.
    """
    known = [(findings, facts) for findings, facts in studies if findings]
    names = [findings[0].study for findings, _ in known]
    if not names:
        raise ValueError('no study has two arms to compare; give one that has')
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"study '{twice[0]}' is given {names.count(twice[0])} times; give each study once")
    columns = [{_comparison(one): one for one in findings} for findings, _ in known]
    bases = collections.defaultdict(set)
    for one in (one for findings, _ in known for one in findings):
        bases[one.task].add(one.base)
    rows = []
    for comparison in dict.fromkeys(key for column in columns for key in column):
        own = [column.get(comparison) for column in columns]
        first = next(one for one in own if one is not None)
        title = f'{first.task} ({first.metric}, {difference_unit(first)})'
        arm = f'{first.arm} against {first.base}' if len(bases[first.task]) > 1 else first.arm
        rows.append(Row(title, arm, tuple(map(_effect, own)), tuple('' if one is None else marked(one) for one in own)))
    # The rows of a task stand together, whichever study has them.
    order = list(dict.fromkeys(row.task for row in rows))
    rows.sort(key=lambda row: order.index(row.task))
    return Joint(tuple(names), tuple(rows), tuple(_size(findings) for findings, _ in known))


def _comparison(one: Finding) -> tuple:
    return one.task, one.dataset, one.metric, one.unit, one.arm, one.base


def _effect(one: Finding | None) -> Cell:
    if one is None:
        return Cell(DASH)
    return Cell(number(one.effect, one.metric, True), span(one.effect_interval, one.metric, True))


def _size(findings: list[Finding]) -> str:
    """The parameters of a study's base, from the least to the most over its tasks."""
    sizes = sorted(one.params / one.params_ratio for one in findings if one.params and one.params_ratio)
    ends = dict.fromkeys(count(round(size)) for size in (sizes[:1] + sizes[-1:]))
    return f'{" to ".join(ends)} parameters' if ends else ''


def warnings(studies: Studies) -> list[str]:
    """What has to be read before any number, of each study by its name."""
    return [f'{findings[0].study}: {text}' for findings, facts in studies if findings for text in facts.warnings()]


def _heads(made: Joint) -> list[str]:
    return [f'{name} ({size})' if size else name for name, size in zip(made.studies, made.sizes, strict=True)]


def markdown(made: Joint, first: Sequence[str]) -> str:
    """A table with all tasks, and the note."""
    lines = [['task', 'arm', *_heads(made)], ['---', '---', *['---'] * len(made.studies)]]
    for row in made.rows:
        lines.append([row.task, row.arm, *(f'{effect} {verdict}'.strip() for effect, verdict in row.pairs())])
    before = [f'**{text}**\n' for text in first]
    told = [f'| {" | ".join(map(unrendered, line))} |' for line in lines]
    return '\n'.join([*before, *told, '', unrendered(NOTE)]) + '\n'


def latex(made: Joint, first: Sequence[str]) -> str:
    """One float: an arm has two lines, effects and verdicts above intervals."""
    width = len(made.studies) + 1
    lines = ['% needs \\usepackage{booktabs}', r'\begin{table*}[t]', r'\centering\scriptsize\setlength{\tabcolsep}{3pt}']
    lines += [rf'\parbox{{\textwidth}}{{\textbf{{{tex(text)}}}}}\par\medskip' for text in first]
    lines += [rf'\begin{{tabular}}{{@{{}}l{"l" * len(made.studies)}@{{}}}}', r'\toprule']
    lines += [' & '.join(['arm', *map(tex, made.studies)]) + r' \\', ' & '.join(['', *map(tex, made.sizes)]) + r' \\']
    for title, rows in made.by_task().items():
        lines += [r'\midrule', rf'\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{\textit{{{tex(title)}}}}} \\']
        for row in rows:
            upper = [f'{effect.text} {verdict}'.strip() for effect, verdict in row.pairs()]
            lower = [rf'{{\tiny {tex(effect.small)}}}' if effect.small else '{}' for effect in row.effects]
            lines += [' & '.join(map(tex, [row.arm, *upper])) + r' \\', ' & '.join(['{}', *lower]) + r' \\[1pt]']
    lines += [r'\bottomrule', r'\end{tabular}', r'\par\medskip', rf'\parbox{{\textwidth}}{{\raggedright {tex(NOTE)}}}']
    return '\n'.join([*lines, r'\end{table*}']) + '\n'


def markup(made: Joint, first: Sequence[str]) -> str:
    """The table as HTML, with its note."""
    heads = ''.join(
        f'<th scope="col" class="word">{html.escape(name)}<br><small>{html.escape(size)}</small></th>'
        for name, size in zip(made.studies, made.sizes, strict=True)
    )
    lines = [f'<p class="warning"><strong>{html.escape(text)}</strong></p>' for text in first]
    lines += ['<table class="findings">', '<caption>Effects by task, arm and study</caption>']
    lines.append(f'<thead><tr><th scope="col" class="word">arm</th>{heads}</tr></thead>')
    for title, rows in made.by_task().items():
        span_of_all = f'<th scope="rowgroup" colspan="{len(made.studies) + 1}"><span>{html.escape(title)}</span></th>'
        lines += ['<tbody>', f'<tr>{span_of_all}</tr>']
        for row in rows:
            cells = ''.join(
                f'<td class="verdict {name_of(verdict)}">{html.escape(effect.text)} '
                f'<small>{html.escape(effect.small)}</small> {html.escape(verdict)}</td>'
                for effect, verdict in row.pairs()
            )
            lines.append(f'<tr><th scope="row">{html.escape(row.arm)}</th>{cells}</tr>')
        lines.append('</tbody>')
    return '\n'.join([*lines, '</table>', f'<p class="note">{html.escape(NOTE)}</p>']) + '\n'


FOR_PEOPLE = {'md': markdown, 'latex': latex, 'html': markup}
"""Formats of the rows side by side; they begin with what has to be read first."""
FOR_PROGRAMS = {'csv': as_lines, 'json': as_list}
"""Formats of the rows of all studies, one after the other, as each study has them alone."""


def joint_table(studies: Studies, form: str) -> str:
    """The findings of several studies as one text. Raises ValueError on an unknown form, and as `joint` does."""
    made = joint(studies)
    if form in FOR_PROGRAMS:
        return FOR_PROGRAMS[form](row for findings, facts in studies for row in records(findings, facts))
    if form in FOR_PEOPLE:
        return FOR_PEOPLE[form](made, warnings(studies))
    raise ValueError(f"there is no table format '{form}'; allowed: {[*FOR_PEOPLE, *FOR_PROGRAMS]}; choose one of them")
