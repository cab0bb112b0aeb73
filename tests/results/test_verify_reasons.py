"""Reasons of verify: every rule names what it saw, with counts, whether it holds or not."""

import dataclasses

import pytest
from verified_study import FLAGS, RULES, STILL, costs, run, sound, study

from ablations.spaces import linear
from results.store.reading import Reading
from results.verify import verify
from sweeps.protocol.plan import schedule


def check(rule: str, records: dict | None = None, manifest: dict | None = None, **given: object) -> object:
    """One check of the sound study with other records, or on another manifest."""
    asked, planned, own = sound()
    made = verify(Reading(asked, planned, own if records is None else records, manifest or {}, **given))
    return next((one for one in made if one.rule == rule), None)


def changed(count: int, **fields: object) -> dict:
    """The records of the sound study, the first few of them with other fields."""
    _, planned, records = sound()
    keys = [trial.id for trial in planned.trials[:count]]
    return {**records, **{key: {**records[key], **fields} for key in keys}}


@pytest.mark.parametrize(('count', 'more'), [(1, False), (3, False), (4, True)])
def test_three_are_named_and_of_more_that_there_are(count, more):
    foreign, twice = check(RULES[0], changed(count, seed=-1)), check(RULES[1], doubled=tuple('abcde'[:count]))
    keys = [trial.id for trial in sound()[1].trials[: min(count, 3)]]
    for one, names in ((foreign, keys), (twice, 'abc'[:count])):
        assert not one.holds and f'({", ".join(names)}{", ..." if more else ""})' in one.why
    assert foreign.why.startswith(f'{count} records are not of the trial') and twice.why.startswith(f'{count} trials have two')


def test_what_is_wrong_with_files_and_records_is_told_together():
    why = check(RULES[0], changed(1, seed=-1), skipped=('a is damaged', 'b too')).why
    assert why.startswith('a is damaged; b too; 1 records are not of the trial')
    assert check(RULES[0]).why == 'all files match their checks'


def test_an_incomplete_study_says_what_it_lacks():
    _, planned, records = sound()
    total = len(planned.trials)
    some = {key: records[key] for key in list(records)[:-2]}
    assert check(RULES[2], some).why.startswith(f'{total - 2} of {total} planned trials are recorded, 0 failed; run it again')
    one = check(RULES[2], changed(1, status='failed', score=None))
    assert not one.holds and one.why.startswith(f'{total} of {total} planned trials are recorded, 1 failed; run it again')
    assert check(RULES[2]).why == f'{total} of {total} planned trials are recorded, 0 failed'
    assert check(RULES[13]).why == 'no optimum lies at an edge'


@pytest.mark.parametrize(
    ('unread', 'said'),
    [
        ({'digits': ['weight_decay'], 'recall': ['weight_decay']}, '; other does not read weight_decay'),
        ({'digits': ['weight_decay'], 'recall': []}, '; other does not read weight_decay on digits'),
        (
            {'digits': ['lr', 'weight_decay'], 'recall': ['lr']},
            '; other does not read lr; other does not read weight_decay on digits',
        ),
        ({'digits': ['alpha0']}, ''),
        ({}, ''),
    ],
)
def test_tuned_values_that_an_arm_does_not_read_are_named(unread, said):
    manifest = costs()
    for task, names in unread.items():
        manifest['costs']['other'][task]['unread'] = names
    manifest['costs']['gone'] = manifest['costs']['other']
    why = check(RULES[3], manifest=manifest).why
    assert why == f'lr, weight_decay of adamw are tuned for every arm on its own{said}'


def test_what_an_arm_alone_tunes_and_its_optimizers_are_told():
    space = study().tune['adamw']
    asked = study(
        own={'other': {'drop_path': linear(0.0, 0.5)}},
        tune={'adamw': space, 'muon': space},
        optimizers={'base': ('adamw',), 'other': ('muon',)},
    )
    (one,) = (one for one in verify(Reading(asked, schedule(asked, {}, {}), {})) if one.rule == RULES[3])
    assert one.holds and 'of adamw, muon are tuned' in one.why and '; other alone tunes drop_path' in one.why
    assert '; base with adamw; other with muon' in one.why


@pytest.mark.parametrize(
    ('fields', 'manifest', 'said'),
    [
        ({}, {}, 'tuning trials per replicate, arm and task: 8'),
        ({'budget': 'compute'}, costs(), 'tuning trials per replicate, arm and task: 8; their FLOPs match the base'),
    ],
)
def test_equal_budgets_are_told(fields, manifest, said):
    asked = study(**fields)
    made = verify(Reading(asked, *run(asked, manifest=manifest), manifest))
    assert next(one.why for one in made if one.rule == RULES[4]) == said


def test_seeds_that_are_used_twice_are_seen():
    asked, planned, records = sound()
    test, tuned = (
        [trial for trial in planned.trials if trial.held == held and trial.task == 'digits'] for held in ('test', 'tuning')
    )
    later = next(trial for trial in test if trial.replicate == 1)
    count = len({(trial.task, trial.replicate, trial.seed) for trial in planned.trials if trial.held == 'test'})
    assert check(RULES[7]).why.startswith(f'{count} confirmation seeds, none shared between replicates or with ')
    for seed in (test[0].seed, tuned[0].seed):
        trials = tuple(dataclasses.replace(trial, seed=seed) if trial is later else trial for trial in planned.trials)
        again = dataclasses.replace(planned, trials=trials)
        (one,) = (one for one in verify(Reading(asked, again, records)) if one.rule == RULES[7])
        assert not one.holds and one.why == 'a seed is used twice; rename the study'


def test_reads_of_test_data_are_counted_by_dataset():
    _, planned, records = sound()
    on_test = {name: sum(t.held == 'test' and t.task == name for t in planned.trials) for name in ('digits', 'recall')}
    for reads, holds in (
        ({}, False),
        ({**on_test, 'digits': on_test['digits'] - 1}, False),
        (on_test, True),
        ({**on_test, 'recall': 10**6}, True),
    ):
        one = check(RULES[8], manifest={'test_reads': reads})
        assert one.holds is holds
        if holds:
            told = ', '.join(f'{name} {count}' for name, count in sorted(reads.items()))
            assert one.why == f'test reads by dataset: {told}'
        else:
            assert f'digits: {reads.get("digits", 0)} for {on_test["digits"]}' in one.why
            assert ('recall: ' in one.why) == (not reads) and one.why.endswith('run again, which counts them')
    assert check(RULES[8]).why == 'test reads by dataset: none yet'
    assert check(RULES[8], changed(2, held='test')).why == '2 tuning trials were scored on test data'
    first = next(trial for trial in planned.trials if trial.phase == 'confirm')
    sealed = check(RULES[8], {**records, first.id: {**records[first.id], 'held': 'tuning'}})
    assert not sealed.holds, 'a confirmation run must be scored on test data'


def test_a_protocol_of_another_version_is_named():
    one = check(RULES[9], manifest={'protocol': 99})
    assert not one.holds and one.why.startswith('protocol 99, of another version of the lab; now it is judged by protocol ')


@pytest.mark.parametrize('rule', [RULES[10], FLAGS, RULES[11]])
def test_runs_that_failed_are_of_no_version(rule):
    other = {'environment': {'source': 'newer', 'flags': '--one'}, 'checksum': 'other'}
    told, failed = (check(rule, changed(1, **other, **more)) for more in ({}, {'status': 'failed', 'score': None}))
    assert not told.holds and (failed is None if rule == FLAGS else failed.holds)


def test_the_test_split_is_one_and_those_of_tuning_belong_to_their_replicate():
    _, _, records = sound()

    def told(held: str, replicate: int) -> bool:
        own = {key for key, row in records.items() if (row['held'], row['replicate']) == (held, replicate)}
        return check(RULES[11], {key: {**row, 'checksum': 'new'} if key in own else row for key, row in records.items()}).holds

    assert told('tuning', 1) and not told('test', 1)
    assert check(RULES[11], changed(1, checksum=None)).why == 'the data of digits changed; run the study in a new folder'
    assert check(RULES[10], {}).why == 'nothing is recorded yet'


@pytest.mark.parametrize(('params', 'named'), [(104, False), (106, True), (96, False), (94, True)])
def test_sizes_within_five_percent_are_shown_as_equal(params, named):
    manifest = costs()
    for arm, count in (('base', 100), ('other', params)):
        manifest['costs'][arm]['digits']['params'] = count
    del manifest['costs']['other']['recall']
    one = check(RULES[14], manifest=manifest)
    assert one.holds and one.why.startswith('warning') == named
    assert (f'other on digits x{params / 100:.2f}' in one.why) == named


def test_arms_that_were_not_tried_for_leaks_are_named():
    _, _, records = sound()

    def tried(arms: tuple, replicate: int = 0) -> dict:
        return {
            key: {**row, 'leak': ''}
            if (row['task'], row['held'], row['replicate']) == ('recall', 'test', replicate) and row['arm'] in arms
            else row
            for key, row in records.items()
        }

    rule = 'no arm sees the tokens that it predicts'
    assert check(rule, tried(('base',))).why.endswith('1 arms on tasks of the next token; not checked: other on recall')
    assert 'not checked: ' not in check(rule, tried(('base', 'other'))).why
    assert not check(rule, tried(('base', 'other'), replicate=1)).tried, 'it is tried in the first replicate'


def test_one_run_of_a_task_tells_nothing_of_what_moved():
    _, planned, records = sound()
    first = next(trial.id for trial in planned.trials if trial.task == 'recall')
    stood = {'initial_loss': 2.0, 'final_loss': 2.0}
    some = {key: row for key, row in records.items() if row['task'] == 'digits'} | {first: {**records[first], **stood}}
    assert check(STILL, some) is None
    second = next(trial.id for trial in planned.trials if trial.task == 'recall' and trial.id != first)
    assert check(STILL, {**some, second: {**records[second], **stood}}).why.startswith('on recall every run ends within')


def test_tunings_that_stop_runs_are_counted_where_a_study_has_them():
    assert check('stopped runs are counted') is None
    asked = study(halvings=(0.5,))
    (one,) = (one for one in verify(Reading(asked, schedule(asked, {}, {}), {})) if one.rule == 'stopped runs are counted')
    assert one.holds and one.why.startswith('warning, tuning stops the worse half of its runs at 0.5 of their steps: 0 of 0')
