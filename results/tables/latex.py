"""LaTeX: booktabs tables. An arm has two lines, numbers above intervals and ratios, so that tables fit a page."""

import re

from results.finding import Finding
from results.tables.notes import effects_note, note
from results.tables.rows import Row, columns, rows
from results.tables.study_facts import StudyFacts
from results.tables.words import DASH, MINUS, TIMES, number, overall, probability, span, tasks, title

_TEX = {
    **{mark: '\\' + mark for mark in '&%$#_{}'},
    **{'\\': r'\textbackslash{}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}', '`': r'\textasciigrave{}'},
    **{'<': '$<$', '>': '$>$', '|': r'\textbar{}', DASH: '--', TIMES: r'$\times$', MINUS: '$-$'},
}


def tex(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return re.sub('.', lambda character: _TEX.get(character[0], character[0]), text)


def _small(text: str) -> str:
    """Small text in braces, so that LaTeX does not read its bracket as an option of the line break before it."""
    return rf'{{\tiny {tex(text)}}}' if text else '{}'


def _lines(row: Row, keys: list[str]) -> list[str]:
    """The two lines of an arm; the marks of the verdict and the arm's reference are in the second."""
    upper, lower = [tex(row.arm)], ['{}']
    for key in keys:
        text, small = row.cells[key].text, row.cells[key].small
        if key == 'verdict':
            text, _, small = text.partition(', ')
        upper.append(rf'\textbf{{{tex(text)}}}' if row.bold and key == 'value' else tex(text))
        lower.append(_small(small))
    return [' & '.join(upper) + r' \\', ' & '.join(lower) + r' \\[1pt]']


def _findings(findings: list[Finding], facts: StudyFacts) -> list[str]:
    shown = columns(findings, facts)
    width = len(shown) + 1
    lines = [
        rf'\begin{{tabular}}{{@{{}}l{"".join("l" if column.words else "r" for column in shown)}@{{}}}}',
        r'\toprule',
        ' & '.join(['arm', *(tex(column.short[0]) for column in shown)]) + r' \\',
        ' & '.join(['', *(tex(column.short[1]) for column in shown)]) + r' \\',
    ]
    for task, task_rows in rows(findings).items():
        heading = title(tasks(findings)[task][0])
        lines += [r'\midrule', rf'\multicolumn{{{width}}}{{@{{}}l@{{}}}}{{\textit{{{tex(heading)}}}}} \\']
        for row in task_rows:
            lines += _lines(row, [column.key for column in shown])
    lines += [r'\bottomrule', r'\end{tabular}', r'\par\medskip']
    lines += [r'\begin{tabular}{@{}llp{0.7\textwidth}@{}}', r'\toprule', r'arm & over all tasks & why \\', r'\midrule']
    lines += [' & '.join(map(tex, line)) + r' \\' for line in overall(findings)]
    return [*lines, r'\bottomrule', r'\end{tabular}', r'\par\medskip']


def _effects(facts: StudyFacts) -> list[str]:
    lines = [r'\begin{tabular}{@{}lllrrl@{}}', r'\toprule', r'task & effect of & kind & effect & adjusted p & verdict \\']
    task = ''
    for one in facts.effects:
        if one.task != task:
            lines.append(r'\midrule')
        effect = f'{number(one.effect, one.metric, True)} {span(one.effect_interval, one.metric, True)}'.strip()
        verdict = ', '.join(filter(None, [one.verdict or 'undecided', 'censored' * bool(one.marks)]))
        words = ['' if one.task == task else one.task, one.name or 'not known yet', one.kind if one.name else '']
        lines.append(' & '.join(map(tex, [*words, effect, probability(one.p_adjusted), verdict])) + r' \\')
        task = one.task
    return [*lines, r'\bottomrule', r'\end{tabular}', r'\par\medskip', _paragraph(effects_note(facts))]


def _paragraph(text: str) -> str:
    return rf'\parbox{{\textwidth}}{{\raggedright {tex(text)}}}'


def latex(findings: list[Finding], facts: StudyFacts) -> str:
    """One float with the findings, the verdicts over all tasks, the effects of a factorial study, and the note."""
    lines = ['% needs \\usepackage{booktabs}', r'\begin{table*}[t]', r'\centering\scriptsize\setlength{\tabcolsep}{3pt}']
    lines += [rf'\parbox{{\textwidth}}{{\textbf{{{tex(sentence)}}}}}\par\medskip' for sentence in facts.warnings()]
    lines += _findings(findings, facts) if findings else []
    lines += [*_effects(facts), r'\par\medskip'] if facts.effects else []
    return '\n'.join([*lines, _paragraph(note(findings, facts=facts)), r'\end{table*}']) + '\n'
