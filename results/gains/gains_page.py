"""Page: a comparison of searchers as one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from ablations.study import Study
from results.figures.style import rendered
from results.gains.figure import figure
from results.gains.gain import Gain
from results.gains.gain_words import ABOUT, arms_of, confirmed_share, sentence, unit_of, with_interval
from results.pages import environment, grid, style

FOLDER = Path(__file__).parent
COLUMNS = 'searcher, what it does:long, runs, claimed:word, confirmed:word, kept, beside the lab:word, ended with:word'


def page(study: Study, gains: Sequence[Gain], abouts: Mapping[str, str], facts: Mapping, drawn: bytes | None = None) -> str:
    """The page. `abouts` say what each searcher does, `facts` are runs, replicates and seeds of the comparison.

    `drawn` is its figure as SVG, where that was drawn before.
    """
    tasks = {task.name: task for task in study.tasks}
    told, tables = [], []
    for name, task in tasks.items():
        own = [gain for gain in gains if gain.task == name]
        told.append((name, [sentence(gain, task) for gain in own]))
        rows = [_row(gain, task.metric, abouts[gain.searcher]) for gain in own]
        tables.append(grid(f'{name}: {task.metric}, gains in {unit_of(task)}', COLUMNS, rows, [ABOUT]))
    svg = (drawn or rendered(figure(gains, tasks), 'svg')).decode()
    return environment(FOLDER).get_template('gains_page.html.j2').render(
        title=f'What searches gain: {study.name}',
        question=' '.join(study.question.split('\n\n')[0].split()),
        facts=facts,
        told=told,
        tables=tables,
        drawing=Markup(svg[svg.index('<svg') :]),
        style=style(),
    )  # fmt: skip


def _row(gain: Gain, metric: str, about: str) -> list[str]:
    both = with_interval(gain.claimed, metric), with_interval(gain.confirmed, metric)
    beside = with_interval(gain.beside, metric)
    return [gain.searcher, about, str(gain.runs), *both, confirmed_share(gain), beside, arms_of(gain)]
