"""Figure: the claimed gain of each searcher, hollow, and what was confirmed of it, with its interval."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ablations.tasks import Task
from results.figures.style import COLOURS, blank, house, rounded
from results.gains.gain import Gain
from results.gains.gain_words import unit_of
from results.tables.words import scaled


def figure(gains: Sequence[Gain], tasks: Mapping[str, Task]) -> Figure:
    """A panel for each task, a line for each searcher."""
    searchers = list(dict.fromkeys(gain.searcher for gain in gains))
    with house():
        made = blank(6.4, (0.3 * len(searchers) + 0.85) * len(tasks))
        panels = made.subplots(len(tasks), 1, squeeze=False).ravel()
        for panel, (name, task) in zip(panels, tasks.items(), strict=True):
            own = {gain.searcher: gain for gain in gains if gain.task == name}
            for place, searcher in enumerate(searchers):
                if searcher in own:
                    _line(panel, place, own[searcher], task.metric)
            panel.axvline(0, color='black', linewidth=0.6)
            panel.set_yticks(range(len(searchers)), searchers)
            panel.set_ylim(len(searchers) - 0.5, -0.5)
            panel.grid(axis='y', visible=False)
            panel.set_title(name, loc='left')
            panel.set_xlabel(f'gain over the start, {unit_of(task)}: claimed (hollow), confirmed by fresh seeds (filled)')
    return made


def _line(panel: object, place: int, gain: Gain, metric: str) -> None:
    colour = COLOURS[1 + place % (len(COLOURS) - 1)]
    claimed, confirmed = (float(rounded(scaled(part[0], metric))[0]) for part in (gain.claimed, gain.confirmed))
    panel.plot([claimed, confirmed], [place, place], color=colour, linewidth=0.8, linestyle=':')
    if gain.confirmed[1] is not None:
        ends = rounded([scaled(end, metric) for end in gain.confirmed[1]])
        panel.plot(ends, [place, place], color=colour, linewidth=1.6)
    panel.plot(claimed, place, 'o', color=colour, markerfacecolor='white')
    panel.plot(confirmed, place, 'o', color=colour)
