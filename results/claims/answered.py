"""Answered: which questions have a study and a published run, and at what scale it ran."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ablations.definition import study_of
from ablations.questions import Question
from results.bundle import read
from results.claims.bundles import read_bundle
from results.claims.source import Source
from results.store.comparison_file import SUFFIX, is_comparison, load


def answered(questions: Mapping[str, Question], published: Path) -> dict[str, dict]:
    """Each question as plain data, with its published run: None, or its verdicts, datasets, parameters and steps.

    A comparison of searchers has no verdicts and no parameters; it has its searchers and the runs of a search.

    Raises ValueError where a published bundle is damaged.
    """
    return {
        name: {
            'asks': question.asks,
            'paper': question.paper,
            'study': question.study,
            'lacks': question.lacks,
            'published': _published(question.study, published),
            'further': {study: _published(study, published) for study in question.further},
        }
        for name, question in questions.items()
    }


def _published(study: str, published: Path) -> dict | None:
    """What the published run of a study says, by its name or file; None without one."""
    bundle = published / Path(study).stem
    searched = bundle.with_name(f'{bundle.name}{SUFFIX}')
    if study and bundle.is_dir():
        return _run(read_bundle(bundle))
    return _searched(searched) if study and is_comparison(searched) else None


def _searched(bundle: Path) -> dict:
    told, study = load(bundle), study_of(read(bundle)['definition'])
    return {
        'searchers': told['searchers'],
        'datasets': sorted({task.dataset for task in study.tasks}),
        'runs': told['runs'],
        'steps': sorted({task.steps for task in study.tasks}),
    }


def _run(source: Source) -> dict:
    sizes = [cost['params'] for tasks in source.costs.values() for cost in tasks.values()]
    return {
        'verdicts': dict(Counter(row['verdict'] for row in source.rows)),
        'datasets': sorted({task.dataset for task in source.study.tasks}),
        'params': [min(sizes), max(sizes)],
        'steps': sorted({task.steps for task in source.study.tasks}),
    }


def question_lines(told: Mapping[str, Mapping]) -> list[str]:
    """Lines for a terminal: each question, then its study and what a published run of it found."""
    lines = []
    for name, one in told.items():
        paper = f' ({one["paper"]})' if one['paper'] else ''
        lines += [f'{name}: {one["asks"]}{paper}', f'    study      {one["study"] or "none yet"}']
        if one['study']:
            lines += [f'    published  {_said(one["published"])}']
        for study, run in one['further'].items():
            lines += [f'    further    {study}', f'    published  {_said(run)}']
        if one['lacks']:
            lines += [f'    not asked  {one["lacks"]}']
    asked, run = (sum(bool(one[key]) for one in told.values()) for key in ('study', 'published'))
    return [*lines, '', f'{len(told)} questions: {asked} have a study, {run} a published run.']


def _said(run: Mapping | None) -> str:
    if run is None:
        return 'no run'
    steps = ', '.join(map(str, run['steps']))
    if 'searchers' in run:
        return f'{", ".join(run["searchers"])}; {", ".join(run["datasets"])}; {run["runs"]} runs a search, {steps} steps'
    verdicts = ', '.join(f'{count} {verdict}' for verdict, count in sorted(run['verdicts'].items()))
    sizes = ' to '.join(f'{size:,}' for size in dict.fromkeys(run['params']))
    return f'{verdicts}; {", ".join(run["datasets"])}; {sizes} parameters, {steps} steps'
