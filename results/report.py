"""Report: a study as one HTML page that needs nothing but itself: verdicts, evidence, every run, every check."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ablations.study import Study
from ablations.trial import Schedule
from results.evidence import Finding
from results.figures import FIGURES
from results.style import rendered
from results.tables import count, difference_unit, number, probability, span, table, tasks, verdict_words

PAGE = 200
"""Rows of the table of runs that are shown at a time."""
_SAID = re.compile(r'^[+-][\d.e+-]+ .*?adjusted p [\d.e-]+[,;]? ?')
_CAPTIONS = {
    'effect': (
        'Effect of each arm on each task, with 95% intervals: filled at its own best recipe, hollow at the recipe of the '
        'base. The band is the margin of equivalence.'
    ),
    'lr': (
        'What each arm scores over the learning rates. Every tuning run is a point, a diverged one a cross; the line is the '
        'surface fitted to all replicates, at its best weight decay; large marks are the selected rates. Dotted: the range '
        'of the study, and fainter how far an extension went.'
    ),
}


def sentence(finding: Finding) -> str:
    """What was found of an arm on a task, in full."""
    start = f'{finding.arm} against {finding.base} on {finding.task}: {verdict_words(finding)}'
    parts, left = [], _SAID.sub('', finding.reason)
    said = left != finding.reason
    parts.append(f'{start}.' if said or not left else f'{start}, because {left}.')
    if finding.effect is not None:
        effect = f'{number(finding.effect, finding.metric, True)} {difference_unit(finding)}'
        interval = span(finding.effect_interval, finding.metric, True)
        tested = '' if finding.p_adjusted is None else f', adjusted p {probability(finding.p_adjusted)}'
        parts.append(f'Effect {effect} {interval}'.strip() + tested + (f': {left}.' if said and left else '.'))
    if finding.shared_effect is not None:
        shared = f'{number(finding.shared_effect, finding.metric, True)} {difference_unit(finding)}'
        parts.append(
            f'With both at the recipe of the base: {shared} {span(finding.shared_interval, finding.metric, True)}'.strip() + '.'
        )
    for who, edges in ((finding.arm, finding.censored), (finding.base, finding.base_censored)):
        if edges:
            parts.append(f'Censored: the optimum of {who} lies at the edge of its range ({", ".join(edges)}).')
    return ' '.join(parts)


def _prose(text: str) -> Markup:
    """Text with its `names` set as code."""
    return Markup(re.sub(r'`([^`]+)`', r'<code>\1</code>', str(escape(text))))


def _verdicts(study: Study, findings: list[Finding]) -> list[dict]:
    """One entry an arm: its name, its verdict, a sentence over all tasks and one for each task."""
    total, found = len(tasks(findings)), []
    for arm in dict.fromkeys(finding.arm for finding in findings):
        own = [finding for finding in findings if finding.arm == arm]
        verdict, reason = own[0].overall, own[0].overall_reason
        said = reason if reason.startswith(verdict) else f'{verdict}, {reason}'
        over = f'{arm} against {study.base} over {total} task{"s" * (total != 1)}: {said}.'
        each = [{'verdict': finding.verdict, 'text': sentence(finding)} for finding in own]
        found.append({'arm': arm, 'verdict': own[0].overall, 'overall': over, 'tasks': each})
    return found


def inline(svg: str, prefix: str, label: str) -> Markup:
    """A rendered SVG as part of a page: ids of its own, no style, metadata or address that reaches beyond it."""
    body = svg[svg.index('<svg') :]
    body = re.sub(r'<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->', '', body, flags=re.S)
    body = re.sub(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"', '', body)
    body = body.replace('xlink:href=', 'href=')
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'href="#', f'href="#{prefix}-', body)
    body = re.sub(r'url\(#', f'url(#{prefix}-', body)

    def hoist(found: re.Match) -> str:
        """Marks of one look say it once, in their group."""
        looks = set(re.findall(r'style="([^"]*)"', found[2]))
        if len(looks) != 1 or 'style=' in found[1]:
            return found[0]
        return f'<g{found[1]} style="{looks.pop()}">{re.sub(r" style=.[^>]*?.(?=/>)", "", found[2])}</g>'

    body = re.sub(r'<g([^>]*)>((?:\s*<use [^>]*style="[^"]*"/>)+)\s*</g>', hoist, body)
    body = re.sub(r'\b([xy])="(-?\d+\.\d{2})\d+"', r'\1="\2"', body)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', body)
    look = 'style="stroke-linejoin:round;stroke-linecap:butt"'
    opening = f'role="img" aria-label="{label}" width="{float(size[1]):.0f}" height="{float(size[2]):.0f}" {look}'
    return Markup(re.sub(r'\n\s*', '\n', body.replace(size[0], opening, 1)))


def _figures(study: Study, schedule: Schedule, records: Mapping, findings: list[Finding]) -> list[dict]:
    found = []
    for kind, draw in FIGURES.items():
        if findings or kind != 'effect':
            svg = rendered(draw(study, schedule, records, findings), 'svg').decode()
            found.append({'svg': inline(svg, kind, f'Figure: {kind} by task and arm'), 'caption': _CAPTIONS[kind]})
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f'{value:.6g}')


def runs(study: Study, schedule: Schedule, records: Mapping[str, dict]) -> dict:
    """Every record as a compact table: columns, the words of each column that holds words, and rows of numbers.

    A word is written as its place in `words[column]`. Records that the study no longer plans have the phase `not planned`.
    """
    knobs = list(dict.fromkeys(name for space in study.tune.values() for name in space))
    columns = ['arm', 'task', 'phase', 'replicate', 'optimizer', *knobs, 'status', 'score']
    columns += ['initial loss', 'final loss', 'seconds', 'seed', 'note', 'id']
    words = {name: [] for name in ('arm', 'task', 'phase', 'optimizer', 'status', 'note')}
    planned = {trial.id: trial for trial in schedule.trials}
    order = [*(trial.id for trial in schedule.trials if trial.id in records), *(i for i in records if i not in planned)]
    rows = []
    for name in order:
        record, trial = records[name], planned.get(name)
        if trial is None:
            given = [record.get(key) for key in ('arm', 'task')] + ['not planned', record.get('replicate')]
            given += [record.get('optimizer')]
            tuned, seed = record.get('knobs') or {}, record.get('seed')
        else:
            given = [trial.arm, trial.task, trial.phase, trial.replicate, trial.program.optimizer]
            tuned, seed = dict(trial.knobs), trial.seed
        stopped = record.get('diverged_at')
        why = record.get('reason') or ('' if stopped is None else f'step {stopped}')
        losses = [_rounded(record.get(key)) for key in ('initial_loss', 'final_loss')]
        seconds = _rounded((record.get('cost') or {}).get('seconds'))
        row = [*given, *(_rounded(tuned.get(knob)) for knob in knobs), record['status'], _rounded(record.get('score'))]
        row += [*losses, seconds, seed, why, name]
        for place, column in enumerate(columns):
            if column in words and row[place] is not None:
                row[place] = _place(words[column], str(row[place]))
        rows.append(row)
    return {'page': PAGE, 'columns': columns, 'words': words, 'rows': rows}


def _place(known: list[str], word: str) -> int:
    if word not in known:
        known.append(word)
    return known.index(word)


def _budgets(study: Study, schedule: Schedule) -> list[dict]:
    found = []
    for item in study.tasks:
        base = schedule.budgets.get((study.base, item.name), {}).get('trials')
        for arm in study.arms:
            spent = schedule.budgets.get((arm, item.name), {})
            whole = [f'{spent.get(key, 0):,}' for key in ('trials', 'steps', 'examples')]
            equal = 'equal' if spent.get('trials') == base else 'unequal'
            found.append({'task': item.name, 'arm': arm, 'cells': [*whole, count(spent.get('flops')), equal]})
    return found


def _recipes(study: Study, schedule: Schedule) -> list[dict]:
    found = []
    for (arm, task, replicate), chosen in sorted(
        schedule.selections.items(), key=lambda one: (list(study.arms).index(one[0][0]), one[0][1], one[0][2])
    ):
        item = study.task(task)
        if chosen is None:
            cells = ['none', 'every tuning run diverged or failed', number(None, ''), number(None, '')]
        else:
            knobs = ', '.join(f'{name} {value:.3g}' for name, value in chosen.knobs)
            cells = [chosen.optimizer, knobs, number(item.sign * chosen.score, item.metric), chosen.how]
        found.append({'arm': arm, 'task': task, 'replicate': replicate, 'cells': cells})
    return found


def _environment(records: Mapping[str, dict]) -> list[dict]:
    """Distinct values of each entry of the records' environments, the most frequent first."""
    seen = {}
    for record in records.values():
        for name, value in (record.get('environment') or {}).items():
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            seen.setdefault(name, Counter())[text] += 1
    return [
        {'name': name, 'values': sorted(counts.items(), key=lambda one: (-one[1], one[0]))}
        for name, counts in sorted(seen.items())
    ]


def report(
    study: Study,
    schedule: Schedule,
    records: Mapping[str, dict],
    manifest: Mapping,
    findings: list[Finding],
    checklist: list[dict],
) -> str:
    """The study as one HTML page; `checklist` holds `rule`, `holds` (True, False or None) and `why` of each check."""
    lead, _, rest = study.question.strip().partition('\n')
    statuses = Counter(record['status'] for record in records.values())
    marks = {True: 'holds', False: 'fails', None: 'not known'}
    html = table(findings, 'html', alpha=study.alpha)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    data = json.dumps(runs(study, schedule, records), separators=(',', ':'), allow_nan=False).replace('<', '\\u003c')
    return environment.get_template('report.html.j2').render(
        study=study,
        lead=_prose(lead),
        question=[_prose(part) for part in re.split(r'\n\s*\n', rest.strip()) if part],
        complete=schedule.complete,
        look=schedule.look,
        recorded=sum(trial.id in records for trial in schedule.trials),
        planned=len(schedule.trials),
        total=len(records),
        statuses=statuses,
        verdicts=_verdicts(study, findings),
        table=Markup(
            html.replace('<table', '<div class="box" tabindex="0" role="region" aria-label="Table"><table').replace(
                '</table>', '</table></div>'
            )
        ),
        figures=_figures(study, schedule, records, findings),
        checklist=[{**item, 'mark': marks[item.get('holds')]} for item in checklist],
        budgets=_budgets(study, schedule),
        recipes=_recipes(study, schedule),
        environment=_environment(records),
        manifest={name: json.dumps(value, sort_keys=True) for name, value in sorted(manifest.items()) if name != 'costs'},
        trials=Markup(data),
    )
