"""Flat: findings for programs, as CSV and JSON; the marks of doubt are part of every row."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping

from results.finding import Finding
from results.store.spreadsheets import inert_sentence
from results.tables.study_facts import FALLACY, StudyFacts
from results.tables.words import marks


def records(findings: list[Finding], facts: StudyFacts) -> list[dict]:
    """One dict for each row: comparisons, and the effects of a factorial study; `row` says which it is.

    `marks` holds what must be shown beside a verdict. `missing_runs` and `base_missing_runs` count the planned runs of the two
    arms that are not recorded yet. `recipe` is 'same' in a study that shows a fallacy; `warning` explains it.
    """
    first = FALLACY if facts.recipe == 'same' else ''
    plain_rows = []
    for one in findings:
        lacking = {
            'missing_runs': facts.lacking(one.arm, one.task),
            'base_missing_runs': facts.lacking(one.base, one.task),
        }
        about = {'row': 'comparison', 'marks': marks(one), **lacking, 'recipe': facts.recipe, 'warning': first}
        plain_rows.append({**one.to_dict(), **about})
    for line in facts.effects:
        effect = line.to_dict()
        about = {'row': effect.pop('kind'), 'arm': effect.pop('name'), 'recipe': facts.recipe, 'warning': first}
        about |= {'study': findings[0].study} if findings else {}
        plain_rows.append({**effect, **about, 'verdict': line.verdict or 'undecided'})
    return plain_rows


def _cells(name: str, value: object) -> dict:
    if name.endswith('interval'):
        low, high = (None, None) if value is None else value
        return {f'{name}_low': low, f'{name}_high': high}
    return {name: '; '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}


def comma_separated(findings: list[Finding], facts: StudyFacts) -> str:
    """One line for each row; an interval takes two columns, and what is not known is empty."""
    return as_lines(records(findings, facts))


def as_lines(rows: Iterable[Mapping[str, object]]) -> str:
    """Such records, of one study or several, as lines of a CSV file under one heading."""
    fields = [field.name for field in dataclasses.fields(Finding)]
    extra = ['row', 'marks', 'missing_runs', 'base_missing_runs', 'recipe', 'warning']
    names = [key for name in (*fields, *extra) for key in _cells(name, None)]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator='\n')
    writer.writeheader()
    for row in rows:
        cells = {key: item for name, value in row.items() for key, item in _cells(name, value).items()}
        writer.writerow({key: inert_sentence(item) for key, item in cells.items()})
    return text.getvalue()


def as_json(findings: list[Finding], facts: StudyFacts) -> str:
    """A list of the rows."""
    return as_list(records(findings, facts))


def as_list(rows: Iterable[Mapping[str, object]]) -> str:
    """Such records, of one study or several, as a JSON list."""
    return json.dumps(list(rows), indent=2, allow_nan=False) + '\n'
