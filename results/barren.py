"""Barren: arms of which no run gave a score, or whose parameters never moved. Nobody should have to find that in a table."""

from collections.abc import Iterable, Mapping

from ablations.trial import TEST

LEAST = 2
"""Runs from which on one says `every`."""


def barren(records: Iterable[Mapping]) -> list[str]:
    """A sentence for each arm and task where every run diverged or failed, or all confirmation runs did; one if all runs did.

    >>> lost = {'arm': 'mine', 'task': 'digits', 'held': 'tuning', 'status': 'diverged'}
    >>> barren([lost, lost, {**lost, 'arm': 'base', 'status': 'ok'}])
    ["every run of 'mine' on digits diverged (2 of 2)"]
    """
    runs = list(records)
    if len(runs) >= LEAST and not _gave(runs):
        return [f'every run of the study {_how(runs)} ({len(runs)} of {len(runs)})']
    said = []
    for (arm, task), own in _by_arm(runs).items():
        for some, what in ((own, 'run'), ([one for one in own if one['held'] == TEST], 'confirmation run')):
            if len(some) >= LEAST and not _gave(some):
                said.append(f"every {what} of '{arm}' on {task} {_how(some)} ({len(some)} of {len(some)})")
                break
    return said


def still(records: Iterable[Mapping]) -> list[str]:
    """A sentence for each arm and task where every run ends at the loss that it began with: no parameter moved.

    >>> run = {'arm': 'mine', 'task': 'digits', 'status': 'ok', 'initial_loss': 2.3, 'final_loss': 2.3}
    >>> still([run, run])
    ["no parameter of 'mine' on digits moved: every run ends at the loss that it began with (2 of 2)"]
    """
    said = []
    for (arm, task), own in _by_arm(records).items():
        fine = [one for one in own if one['status'] == 'ok']
        if len(fine) >= LEAST and all(_stood(one) for one in fine):
            what = f"no parameter of '{arm}' on {task} moved: every run ends at the loss that it began with"
            said.append(f'{what} ({len(fine)} of {len(fine)})')
    return said


def _by_arm(records: Iterable[Mapping]) -> dict[tuple[str, str], list[Mapping]]:
    grouped: dict[tuple[str, str], list[Mapping]] = {}
    for record in records:
        grouped.setdefault((record['arm'], record['task']), []).append(record)
    return grouped


def _gave(runs: list[Mapping]) -> bool:
    return any(one['status'] == 'ok' for one in runs)


def _how(runs: list[Mapping]) -> str:
    return ' or '.join(sorted({one['status'] for one in runs}))


def _stood(record: Mapping) -> bool:
    return record.get('final_loss') is not None and record['final_loss'] == record.get('initial_loss')
