"""Stops: how many tuning runs of a study were stopped before their end, and where."""

from ablations.study import Study
from ablations.trial import Schedule


def stops(schedule: Schedule) -> tuple[int, int]:
    """How many tuning runs were stopped and do not go on, and how many there were; of tunings that are over."""
    over = [trials for key, trials in schedule.asked.items() if key[0] == 'tune' and ('confirm', *key[1:]) in schedule.asked]
    return sum(bool(trial.until) for trials in over for trial in trials), sum(map(len, over))


def stops_in_words(study: Study, schedule: Schedule) -> str:
    """What a study stops, as a sentence without an end; '' where it trains all runs to their end.

    >>> from ablations.studies import STUDIES
    >>> stops_in_words(STUDIES['null'], None)
    ''
    """
    if not study.halvings:
        return ''
    stopped, runs = stops(schedule)
    places = ' and '.join(f'{share:.3g}' for share in study.halvings)
    said = f'Tuning stops the worse half of its runs at {places} of their steps: {stopped:,} of {runs:,} so far'
    return f'{said}, which have no score and enter the selection with the end that they were heading for'
