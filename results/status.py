"""Status: how far a study is."""

from collections.abc import Mapping

from ablations.trial import Schedule
from results.records import STATUSES


def progress_of(schedule: Schedule, records: Mapping[str, dict], skipped: list[str]) -> dict:
    """Counts of trials: planned so far, done, and of these ok, diverged, failed; records that nothing plans any more."""
    planned = {trial.id for trial in schedule.trials}
    done = [record for key, record in records.items() if key in planned]
    unplanned = sorted({record['pack']['id'] for key, record in records.items() if key not in planned})
    return {
        'planned': len(planned),
        'done': len(done),
        **{status: sum(record['status'] == status for record in done) for status in STATUSES},
        'failures': sorted({record['reason'] for record in done if record['status'] == 'failed'}),
        'look': schedule.look,
        'complete': schedule.complete,
        'unplanned_records': len(records) - len(done),
        'unplanned_packs': unplanned,
        'skipped_files': list(skipped),
    }


def sentence(fact: dict) -> str:
    """The counts in words."""
    text = (
        f'{fact["done"]} of {fact["planned"]} planned trials done: {fact["ok"]} ok, {fact["diverged"]} diverged, '
        f'{fact["failed"]} failed; {"complete" if fact["complete"] else "not complete"}'
    )
    if fact['unplanned_records']:
        packs = fact['unplanned_packs']
        more = f' and {len(packs) - 3} more' if len(packs) > 3 else ''
        text += f'; {fact["unplanned_records"]} records are no longer planned and ignored (packs {", ".join(packs[:3])}{more})'
    for reason in fact['failures']:
        text += f'; failed: {reason}'
    return text
