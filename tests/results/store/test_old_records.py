"""What older versions wrote stays readable: records of before the format number, one file a pack and many packs in one."""

import shutil
from pathlib import Path

from results.store import frames
from results.store.recorded import read_folder
from sweeps import manifest

OLD = Path(__file__).parent / 'old_records'
"""Real records of 2026-11-21, as they were published then."""


def test_old_records_are_sound_and_new_fields_are_absent():
    records, skipped = read_folder(OLD / 'quickstart', 'quickstart')
    assert (len(records), skipped) == (4, [])
    for key in records:
        whole = records.whole(key)
        assert whole['status'] == 'ok' and 'format' not in whole and not {'leak', 'item_scores'} & {*whole}
    assert manifest.load(OLD / 'quickstart')['looks'] == [3]


def test_old_records_are_rows_with_gaps(tmp_path: Path):
    shutil.copytree(OLD, tmp_path / 'runs')
    rows = frames.trials(tmp_path / 'runs', 'quickstart').fetchall()
    columns = frames.trials(tmp_path / 'runs', 'quickstart').columns
    place = columns.index('format')
    assert len(rows) == len(read_folder(OLD / 'quickstart', 'quickstart')[0]) and all(row[place] is None for row in rows)


def test_commands_read_old_records(tmp_path: Path, called):
    shutil.copytree(OLD, tmp_path / 'runs')
    for command in ('table', 'status', 'verify'):
        done = called(command, 'quickstart', '--runs', tmp_path / 'runs')
        assert done.returncode == (1 if command == 'verify' else 0) and 'skipped' not in done.stderr, done.stderr
    done = called('query', 'select count(*) as records from trials where format is null', '--runs', tmp_path / 'runs')
    assert done.returncode == 0 and done.stdout.split()[-1] == str(len(read_folder(OLD / 'quickstart', 'quickstart')[0]))
