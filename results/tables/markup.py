"""Markup: tables as HTML, for the report and for other pages."""

import html

from results.finding import Finding
from results.tables.notes import effects_note, note
from results.tables.rows import Cell, Row, columns, rows
from results.tables.study_facts import StudyFacts
from results.tables.words import number, overall, probability, span, tasks, title

WORDS = ('arm', 'verdict', 'why', 'task', 'effect of', 'kind')


def name_of(verdict: str) -> str:
    """The CSS class of a verdict."""
    return verdict.split(',')[0].replace(' ', '-')


def _heads(*names: str, words: tuple = WORDS) -> str:
    cells = (f'<th scope="col"{" class=" * (n in words)}{"word" * (n in words)}>{html.escape(n)}</th>' for n in names)
    return f'<thead><tr>{"".join(cells)}</tr></thead>'


def _cell(row: Row, key: str, words: bool) -> str:
    item: Cell = row.cells[key]
    main = html.escape(item.text)
    main = f'<strong>{main}</strong>' if row.bold and key == 'value' else main
    kind = f' class="verdict {name_of(item.text)}"' if key == 'verdict' else ' class="word"' if words else ''
    return f'<td{kind}>{main}{f" <small>{html.escape(item.small)}</small>" if item.small else ""}</td>'


def _findings(findings: list[Finding], facts: StudyFacts) -> list[str]:
    shown = columns(findings, facts)
    words = (*WORDS, *(column.heading for column in shown if column.words))
    head = _heads('arm', *(column.heading for column in shown), words=words)
    lines = ['<table class="findings">', '<caption>Findings by task and arm</caption>', head]
    for task, task_rows in rows(findings).items():
        heading = html.escape(title(tasks(findings)[task][0]))
        lines += ['<tbody>', f'<tr><th scope="rowgroup" colspan="{len(shown) + 1}"><span>{heading}</span></th></tr>']
        for row in task_rows:
            cells = ''.join(_cell(row, column.key, column.words) for column in shown)
            lines.append(f'<tr><th scope="row">{html.escape(row.arm)}</th>{cells}</tr>')
        lines.append('</tbody>')
    lines += ['</table>', '<table class="overall">', '<caption>Verdict over all tasks</caption>']
    lines += [_heads('arm', 'verdict', 'why'), '<tbody>']
    for arm, verdict, reason in overall(findings):
        mark = f'<td class="verdict {name_of(verdict)}">{html.escape(verdict)}</td>'
        lines.append(f'<tr><th scope="row">{html.escape(arm)}</th>{mark}<td class="why">{html.escape(reason)}</td></tr>')
    return [*lines, '</tbody>', '</table>']


def effects_markup(facts: StudyFacts) -> str:
    """The table of effects of a factorial study with its note, or nothing."""
    if not facts.effects:
        return ''
    heads = _heads('effect of', 'task', 'kind', 'effect', 'adjusted p', 'verdict')
    lines = ['<table class="effects">', '<caption>Main effects and interactions of the factors</caption>', heads, '<tbody>']
    for one in facts.effects:
        verdict = one.verdict or 'undecided'
        shown = html.escape(', '.join(filter(None, [verdict, 'censored' * bool(one.marks)])))
        interval = span(one.effect_interval, one.metric, True)
        effect = number(one.effect, one.metric, True) + (f' <small>{interval}</small>' if interval else '')
        words = ''.join(f'<td class="word">{html.escape(text)}</td>' for text in (one.task, one.kind if one.name else ''))
        numbers = f'<td>{effect}</td><td>{html.escape(probability(one.p_adjusted))}</td>'
        name = html.escape(one.name or 'not known yet')
        lines.append(f'<tr><th scope="row">{name}</th>{words}{numbers}<td class="verdict {name_of(verdict)}">{shown}</td></tr>')
    return '\n'.join([*lines, '</tbody>', '</table>', f'<p class="note">{html.escape(effects_note(facts))}</p>']) + '\n'


def findings_markup(findings: list[Finding], facts: StudyFacts) -> str:
    """The tables of findings and of verdicts over all tasks, with their note."""
    lines = _findings(findings, facts) if findings else []
    return '\n'.join([*lines, f'<p class="note">{html.escape(note(findings, facts=facts))}</p>']) + '\n'


def markup(findings: list[Finding], facts: StudyFacts) -> str:
    """All tables of a study, with the warnings above them."""
    warnings = ''.join(f'<p class="warning"><strong>{html.escape(text)}</strong></p>\n' for text in facts.warnings())
    return warnings + findings_markup(findings, facts) + effects_markup(facts)
