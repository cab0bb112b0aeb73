"""Status: how far a study is."""

import collections

from results.barren import barren, still
from results.store.reading import Reading
from results.store.records import STATUSES, STOPPED


def progress_of(reading: Reading) -> dict:
    """Numbers of trials: planned so far, done, and of these ok, diverged and failed; and records that are no longer planned."""
    schedule, records = reading.schedule, reading.records
    planned = {trial.id for trial in schedule.trials}
    done = [record for key, record in records.items() if key in planned]
    others = [record for key, record in records.items() if key not in planned]
    return {
        'planned': len(planned),
        'done': len(done),
        **{status: sum(record['status'] == status for record in done) for status in STATUSES},
        'failures': sorted({record.get('reason', '') for record in done if record['status'] == 'failed'}),
        'look': schedule.look,
        'complete': schedule.complete,
        'unplanned_records': len(others),
        'unplanned_arms': dict(sorted(collections.Counter(record['arm'] for record in others).items())),
        'unplanned_packs': sorted({record['pack']['id'] for record in others}),
        'skipped_files': list(reading.skipped),
        'doubled': list(reading.doubled),
        'barren': [*barren(done), *still(done)],
    }


def sentence(fact: dict) -> str:
    """The counts in words."""
    stopped = f', {fact[STOPPED]} up to a stop' if fact.get(STOPPED) else ''
    text = (
        f'{fact["done"]} of {fact["planned"]} planned trials done: {fact["ok"]} ok, {fact["diverged"]} diverged, '
        f'{fact["failed"]} failed{stopped}; {"complete" if fact["complete"] else "not complete"}'
    )
    if fact['unplanned_records']:
        packs = fact['unplanned_packs']
        more = f' and {len(packs) - 3} more' if len(packs) > 3 else ''
        arms = ', '.join(f'{count} of {arm}' for arm, count in fact['unplanned_arms'].items())
        text += f'; {fact["unplanned_records"]} records are no longer planned and ignored: {arms} '
        text += f'(packs {", ".join(packs[:3])}{more})'
    for reason in fact['failures']:
        text += f'; failed: {reason}'
    if fact['doubled']:
        text += f'; {len(fact["doubled"])} trials have two records, of which the first counts'
    return text + ''.join(f'; {one}' for one in fact['barren'])
