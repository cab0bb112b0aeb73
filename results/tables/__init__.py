"""Tables: findings as rows for people (Markdown, LaTeX, HTML, terminal) and for programs (CSV, JSON).

One row for each task and arm, the base first; numbers carry their interval, and what is not known is a dash.
"""

from results.finding import Finding
from results.tables.flat import as_json, comma_separated
from results.tables.latex import latex, tex
from results.tables.markdown import markdown
from results.tables.markup import effects_markup, findings_markup, markup
from results.tables.notes import note
from results.tables.rows import COLUMNS, Cell, Column, Row, columns, rows
from results.tables.study_facts import StudyFacts, study_facts
from results.tables.words import (
    DASH,
    MINUS,
    TIMES,
    count,
    difference_unit,
    marked,
    marks,
    number,
    overall,
    probability,
    scaled,
    span,
    tasks,
    title,
    verdict_words,
)

__all__ = [
    'COLUMNS',
    'DASH',
    'FORMATS',
    'MINUS',
    'TIMES',
    'Cell',
    'Column',
    'Row',
    'StudyFacts',
    'columns',
    'count',
    'difference_unit',
    'effects_markup',
    'findings_markup',
    'marked',
    'marks',
    'note',
    'number',
    'overall',
    'probability',
    'rows',
    'scaled',
    'span',
    'study_facts',
    'table',
    'tasks',
    'tex',
    'title',
    'verdict_words',
]

FORMATS = {'md': markdown, 'latex': latex, 'csv': comma_separated, 'html': markup, 'json': as_json}


def table(findings: list[Finding], format: str, alpha: float | None = None, facts: StudyFacts | None = None) -> str:
    """The findings of a study as text; `facts` (of `study_facts`) adds what else is known of the study.

    Without it the note names `alpha`, the study's familywise error rate, if given. Raises ValueError on an unknown format.

    >>> import json
    >>> about = dict(study='mine', task='digits', dataset='digits', metric='accuracy', unit='share of images')
    >>> about |= dict(direction='higher', margin=0.01, value=0.93, base_value=0.91, effect=0.02, verdict='better')
    >>> rows = json.loads(table([Finding(arm='gated', base='base', **about)], 'json'))
    >>> [(row['arm'], row['effect'], row['verdict']) for row in rows]
    [('gated', 0.02, 'better')]
    """
    if format not in FORMATS:
        raise ValueError(f"there is no table format '{format}'; allowed: {list(FORMATS)}; choose one of them")
    return FORMATS[format](findings, facts or StudyFacts(alpha=alpha))
