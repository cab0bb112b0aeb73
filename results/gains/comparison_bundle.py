"""Comparison bundle: a comparison of searchers, published.

comparison.json     the study with its digest, the searchers, and how many runs, replicates and seeds each of them has
page.html   gains.csv .json   figures/    what is rendered from its records
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablations.study import Study
from results import bundle
from results.gains.gain import Gain
from results.rounding import plain
from results.store import comparison_file
from results.store.reading import Reading

COLUMNS = ('claimed', 'confirmed', 'vanished', 'beside')


def everything(study: Study, gains: Sequence[Gain], abouts: Mapping[str, str], told: Mapping) -> dict[str, bytes]:
    """All files of a bundle that follow from its records, by name. `abouts` say what each searcher does."""
    from results.figures.style import SUFFIXES
    from results.figures.style import rendered as as_file
    from results.gains.figure import figure
    from results.gains.gains_page import page

    tasks = {task.name: task for task in study.tasks}
    drawn = figure(gains, tasks)
    files = {suffix: as_file(drawn, suffix) for suffix in SUFFIXES}
    facts = {name: told[name] for name in comparison_file.NUMBERS}
    return {
        'page.html': page(study, gains, abouts, facts, files['svg']).encode(),
        'gains.json': (json.dumps(plain(list(gains)), indent=1) + '\n').encode(),
        'gains.csv': comma_separated(study, gains).encode(),
        **{f'figures/{study.name}-gains.{suffix}': content for suffix, content in files.items()},
    }


def comma_separated(study: Study, gains: Sequence[Gain]) -> str:
    """A row for each searcher and task. Gains are in the metric's own scale (accuracy from 0 to 1), in its good direction."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    ends = [f'{name}{end}' for name in COLUMNS for end in ('', '_low', '_high')]
    writer.writerow(['task', 'searcher', 'metric', 'runs', 'searches', *ends, 'share', 'diverged'])
    for gain in gains:
        numbers = []
        for mean, interval in (getattr(gain, name) or (None, None) for name in COLUMNS):
            numbers += [mean, *(interval or (None, None))]
        cells = plain([*numbers, gain.share])
        metric = study.task(gain.task).metric
        writer.writerow([gain.task, gain.searcher, metric, gain.runs, gain.searches, *cells, gain.diverged])
    return out.getvalue()


def publish(reading: Reading, rendered: Mapping[str, bytes], told: Mapping, out: Path) -> Path:
    """Write the bundle of a comparison into the folder `out`, whole or not at all, and give its path.

    Raises ValueError where a search has not come to its end, or a run of one failed.
    """
    name = f'{reading.study.name}{comparison_file.SUFFIX}'
    failed = sum(record['status'] == 'failed' for record in reading.records.values())
    if not reading.schedule.complete or failed:
        why = f'{failed} of its runs failed' if failed else 'some of its searches are not at their end'
        raise ValueError(
            f"the comparison of searchers of study '{reading.study.name}' cannot be published: {why}; the same archlab "
            'compare-searchers goes on where it was'
        )
    beside = {comparison_file.FILE: comparison_file.text(told).encode()}
    return bundle.write(reading, rendered, bundle.target_in(out, name), [], beside)
