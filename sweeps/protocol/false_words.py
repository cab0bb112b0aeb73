"""False words: the false words of a study of a world, and whether its intervals hold the truth."""

from collections.abc import Iterator, Mapping

from ablations.study import Study
from sweeps.protocol.cells import Cell
from sweeps.protocol.world_studies import Conclusion

KINDS = ('difference', 'equivalence', 'unstable', 'overall', 'factorial')


def false_words(study: Study, cell: Cell, one: Conclusion) -> set[str]:
    """The kinds of false words in a conclusion. A factorial effect is false: none is planted."""
    truth = cell.effects(study)
    said = set(_on_tasks(study, cell, one, truth))
    for arm, verdict in one.overall.items():
        effects = {task.dataset: truth[arm, task.name] for task in study.tasks}
        if not _overall(verdict, effects, study.tasks[0].margin):
            said.add('overall')
    return said | ({'factorial'} if one.factorial else set())


def _on_tasks(study: Study, cell: Cell, one: Conclusion, truth: Mapping) -> Iterator[str]:
    for (arm, task), (verdict, negligible) in one.words.items():
        effect, margin = truth[arm, task], study.task(task).margin
        if (verdict == 'better' and effect <= 0) or (verdict == 'worse' and effect >= 0):
            yield 'difference'
        if (verdict == 'equivalent' or negligible) and abs(effect) >= margin:
            yield 'equivalence'
        if verdict == 'unstable' and cell.world.of(arm).lost == cell.world.of(study.reference(arm)).lost:
            yield 'unstable'


def _overall(verdict: str, effects: Mapping[str, float], margin: float) -> bool:
    """Whether a verdict over datasets is true."""
    sign = {'better': 1, 'worse': -1}.get(verdict)
    if sign is not None:
        turned = [sign * effect for effect in effects.values()]
        return sum(effect > 0 for effect in turned) >= 2 and min(turned) > -margin
    return verdict != 'equivalent' or max(map(abs, effects.values())) < margin


def held(study: Study, cell: Cell, one: Conclusion) -> dict[str, bool]:
    """By arm, whether the interval on the first task holds the true effect; without those that have none."""
    truth, first = cell.effects(study), study.tasks[0].name
    return {
        arm: low <= truth[arm, first] <= high for arm, interval in one.intervals.items() if interval for low, high in [interval]
    }
