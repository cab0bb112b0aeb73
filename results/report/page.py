"""Report: a study as one self-contained HTML page with verdicts, evidence, every run and every check."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from ablations.study import Study
from results.finding import Finding
from results.pages import environment, style
from results.report.answer import answer_of
from results.report.average_grids import average_grids
from results.report.domain_grids import domain_grids
from results.report.forgetting_grids import forgetting_grids
from results.report.inline_figures import inline_figures
from results.report.scaling_grids import of_ladders, scaling_grids
from results.report.sections import (
    cells_grid,
    environment_grid,
    expected_grid,
    ledger_grid,
    pareto_grid,
    rates_grid,
    recipes_grid,
    regret_grid,
)
from results.report.trial_table import trials
from results.store.reading import Reading
from results.tables import effects_markup, findings_markup, study_facts

FOLDER = Path(__file__).parent
MARKS = {True: 'holds', False: 'fails', None: 'not known'}


def boxed(html: str) -> Markup:
    """Tables in boxes that scroll on a narrow screen."""

    def box(table: re.Match) -> str:
        return f'<div class="box" tabindex="0" role="region" aria-label="{table[2]}">{table[0]}</div>'

    return Markup(re.sub(r'<table(.*?)<caption>(.*?)</caption>.*?</table>', box, html, flags=re.S))


def _commands(study: Study, manifest: Mapping) -> list[dict]:
    """The command lines that make the page again, each with its purpose."""
    name = study.name
    settings = ''.join(f' --set {setting}' for setting in manifest.get('settings', []))
    return [
        {'line': f'archlab run {name}{settings}', 'about': 'train what is missing; what is recorded does not run again'},
        {'line': f'archlab verify {name}', 'about': 'check the rules of a fair comparison'},
        {'line': f'archlab report {name} --out {name}.html', 'about': 'make this page from the records'},
        {'line': f'archlab recipe {name}/{study.base}', 'about': 'what to use: the recipe of an arm'},
        {'line': f'archlab run {name} --trial ID', 'about': 'train one run of the table below again and compare'},
    ]


def report(
    reading: Reading,
    findings: list[Finding],
    checklist: list[dict],
    drawn: Mapping[str, bytes] | None = None,
    refresh: int | None = None,
) -> str:
    """The study as one HTML page; `checklist` holds `rule`, `holds` (True, False or None) and `why` of each check.

    `drawn` are figures by kind, as SVG, that were drawn before. The page of a study that is not complete says so; browsers load
    it again every `refresh` seconds, where given.
    """
    study, records, manifest = reading.study, reading.records, reading.manifest
    facts = study_facts(reading, findings)
    data = json.dumps(trials(reading), separators=(',', ':'), allow_nan=False).replace('<', '\\u003c')
    grids = {
        'Budgets': ledger_grid(reading),
        'Recipes': [recipes_grid(reading), regret_grid(reading)],
        'Expected best': [expected_grid(reading)],
        'Learning rates': [rates_grid(reading)],
        'Cost': [pareto_grid(reading)],
    }
    more = {
        'Averages': average_grids(reading),
        'Domains': domain_grids(reading),
        'Forgetting': forgetting_grids(reading),
        'Scale': scaling_grids(of_ladders(reading)),
    }
    grids |= {name: told for name, told in more.items() if told}
    template = environment(FOLDER).get_template('page.html.j2')
    return template.render(
        study=study,
        answer=answer_of(reading, findings, facts),
        refresh=refresh,
        total=len(records),
        table=boxed(findings_markup(findings, facts)),
        effects=boxed(effects_markup(facts)),
        cells=[cells_grid(reading)] if study.levels else [],
        figures=inline_figures(reading, findings, drawn),
        checklist=[{**item, 'mark': MARKS[item.get('holds')]} for item in checklist],
        grids=grids,
        environment=environment_grid(records),
        commands=_commands(study, manifest),
        manifest={name: json.dumps(value, sort_keys=True) for name, value in sorted(manifest.items()) if name != 'costs'},
        trials=Markup(data),
        style=style(),
        script=Markup((FOLDER / 'page.js').read_text(encoding='utf-8')),
    )
