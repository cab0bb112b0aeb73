"""Markdown: tables for a README or a pull request."""

from results.finding import Finding
from results.store.markdown_text import unrendered
from results.tables.notes import effects_note, note
from results.tables.rows import columns, rows
from results.tables.study_facts import StudyFacts
from results.tables.words import number, overall, probability, span, tasks, title

EFFECTS = ('task', 'effect of', 'kind', 'effect', 'adjusted p', 'verdict')


def _line(cells: list[str]) -> str:
    return '| ' + ' | '.join(map(unrendered, cells)) + ' |'


def _findings(findings: list[Finding], facts: StudyFacts) -> list[str]:
    shown = columns(findings, facts)
    lines = [_line(['task', 'arm', *(column.heading for column in shown)])]
    lines.append(_line(['---', '---', *('---' if column.words else '---:' for column in shown)]))
    for task, task_rows in rows(findings).items():
        for row in task_rows:
            cells = {key: str(cell) for key, cell in row.cells.items()}
            if row.bold:
                value = row.cells['value']
                cells['value'] = f'**{value.text}** {value.small}'.strip()
            lines.append(_line([task, row.arm, *(cells[column.key] for column in shown)]))
    lines += ['', '| arm | over all tasks | why |', '| --- | --- | --- |']
    return lines + [_line(list(line)) for line in overall(findings)]


def _effects(facts: StudyFacts) -> list[str]:
    lines = ['', _line(list(EFFECTS)), _line(['---', '---', '---', '---:', '---:', '---'])]
    for one in facts.effects:
        cells = [number(one.effect, one.metric, True), span(one.effect_interval, one.metric, True)]
        verdict = ', '.join(filter(None, [one.verdict or 'undecided', 'censored' * bool(one.marks)]))
        words = [one.task, one.name or 'not known yet', one.kind if one.name else '']
        lines.append(_line([*words, ' '.join(cells).strip(), probability(one.p_adjusted), verdict]))
    return [*lines, '', effects_note(facts)]


def markdown(findings: list[Finding], facts: StudyFacts) -> str:
    """The findings, the verdicts over all tasks, the effects of a factorial study, and the note."""
    warnings = [line for sentence in facts.warnings() for line in (f'**{sentence}**', '')]
    first = _findings(findings, facts) if findings else []
    effects = _effects(facts) if facts.effects else []
    titles = [unrendered(title(items[0])) + '.  ' for items in tasks(findings).values()]
    return '\n'.join([*warnings, *first, *effects, '', *titles, unrendered(note(findings, facts=facts))]) + '\n'
