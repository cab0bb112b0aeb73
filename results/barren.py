"""Barren: arms of which no run gave a score, or whose loss never moved. Nobody should have to find that in a table."""

from collections.abc import Iterable, Mapping

from ablations.trial import TEST
from results.store.records import STOPPED

LEAST = 2
"""Runs from which on one says `every`."""
STILL = 1e-3
"""The share of its first loss within which a run that ends has not moved; arms that learn move by half and more."""


def barren(records: Iterable[Mapping]) -> list[str]:
    """A sentence for each arm and task where every run diverged or failed, or all confirmation runs did; one if all runs did.

    >>> lost = {'arm': 'mine', 'task': 'digits', 'held': 'tuning', 'status': 'diverged'}
    >>> barren([lost, lost, {**lost, 'arm': 'base', 'status': 'ok'}])
    ["every run of 'mine' on digits diverged (2 of 2)"]
    """
    runs = [one for one in records if one['status'] != STOPPED]
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
    """A sentence for each arm and task whose runs all end within 0.1 % of their initial loss.

    >>> run = {'arm': 'mine', 'task': 'digits', 'status': 'ok', 'initial_loss': 2.3, 'final_loss': 2.3}
    >>> still([run, run])
    ["nothing of 'mine' on digits moved: every run ends within 0.1 % of the loss that it began with (2 of 2)"]
    """
    said = []
    for (arm, task), own in _by_arm(records).items():
        fine = [one for one in own if one['status'] == 'ok']
        if len(fine) >= LEAST and all(map(stood, fine)):
            what = f"nothing of '{arm}' on {task} moved: every run ends within 0.1 % of the loss that it began with"
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


def stood(record: Mapping) -> bool:
    """Whether a run ends at about the loss that it began with, as where learning rates are far too small.

    >>> stood({'initial_loss': 2.3, 'final_loss': 2.2999}), stood({'initial_loss': 2.3, 'final_loss': 2.1})
    (True, False)
    """
    first, last = record.get('initial_loss'), record.get('final_loss')
    return last is not None and first is not None and abs(last - first) <= STILL * abs(first)
