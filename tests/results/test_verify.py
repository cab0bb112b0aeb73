"""Verify: each rule holds on a sound study and fails on the one fault that it is there for."""

import dataclasses
import hashlib
import json
import math

import pytest
from verified_study import BARREN, FLAGS, RULES, STILL, WORLD, costs, run, sound, study

from ablations.config import put, swap
from ablations.shapes import path
from ablations.spaces import log
from ablations.study import Study
from results.evidence import findings
from results.store.reading import Reading
from results.store.recorded import read_folder
from results.store.records import commit, prepare
from results.verify import _looks, verify
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World

FAR = World(optimum=(3.0, 0.4), cliff=9.0, noise=0.01)


def checks(
    asked: Study, planned, records: dict, manifest: dict | None = None, skipped: tuple = (), doubled: tuple = ()
) -> dict:
    made = verify(Reading(asked, planned, records, manifest or {}, skipped=skipped, doubled=doubled))
    assert [check.rule for check in made if check.rule not in (STILL, BARREN, FLAGS)] == RULES
    assert len(made) == len({check.rule for check in made})
    assert all(check.why and set(check.to_dict()) == {'rule', 'holds', 'why'} for check in made)
    return {check.rule: check for check in made}


def fails(made: dict) -> list:
    return [rule for rule, check in made.items() if not check.holds]


def test_a_sound_study_holds_every_rule():
    assert fails(checks(*sound())) == []


def test_a_file_that_was_skipped_fails():
    made = checks(*sound(), skipped=('a.jsonl is damaged',))
    assert fails(made) == [RULES[0]] and 'a.jsonl is damaged' in made[RULES[0]].why


def test_trials_that_were_recorded_twice_fail():
    made = checks(*sound(), doubled=('a1', 'b2', 'c3', 'd4'))
    assert fails(made) == [RULES[1]]
    assert made[RULES[1]].why == '4 trials have two records (a1, b2, c3, ...); the first that was written counts'


@pytest.mark.parametrize('score', [math.nan, math.inf, -math.inf, None, '0.5', True], ids=str)
def test_a_run_that_is_called_fine_has_a_finite_score(tmp_path, score):
    """A line as another program may write it: the file is skipped, and named with its line."""
    asked, planned, records = sound()
    rows = [{**records[t.id], 'pack': {'id': 'odd', 'records': 2}} for t in planned.trials[:2]]
    prepare(tmp_path)
    assert commit(tmp_path, 'fine', rows)
    assert read_folder(tmp_path, asked.name)[1] == []
    lines = []
    for row in (rows[0], {**rows[1], 'score': score}):
        body = json.dumps(row)[:-1]
        lines.append(f'{body}, "check": "{hashlib.sha256(body.encode()).hexdigest()[:16]}"}}\n')
    (tmp_path / 'records' / 'odd.jsonl').write_text(''.join(lines))
    told, skipped = read_folder(tmp_path, asked.name)
    assert set(told) == {row['id'] for row in rows}
    (said,) = skipped
    assert f"odd.jsonl is damaged (line 2: its status is 'ok' and its score {score!r}; allowed: a finite number)" in said
    made = checks(asked, planned, records, skipped=skipped)
    assert fails(made) == [RULES[0]]
    diverged = {**rows[1], 'status': 'diverged', 'score': None}
    assert commit(tmp_path, 'lost', [{**row, 'pack': {'id': 'lost', 'records': 2}} for row in (rows[0], diverged)])
    assert len(read_folder(tmp_path, asked.name)[1]) == 1, 'a run that diverged has no score'


@pytest.mark.parametrize('status', [None, 'failed'])
def test_a_missing_or_failed_run_fails(status):
    asked, planned, records = sound()
    key = planned.trials[5].id
    left = {k: row for k, row in records.items() if k != key}
    if status:
        left[key] = {**records[key], 'status': 'failed', 'score': None}
    made = checks(asked, schedule(asked, left, {}), left)
    assert 'the study is complete' in fails(made)
    assert ('1 failed' in made['the study is complete'].why) == bool(status)


def test_one_recipe_for_all_fails_by_name():
    asked = study(recipe='same')
    made = checks(asked, *run(asked))
    assert fails(made) == ['every arm has its own recipe', 'every arm has the same budget']
    assert made['every arm has its own recipe'].why.startswith("only 'base' is tuned")
    assert "set recipe='own'" in made['every arm has its own recipe'].why


def test_a_space_without_weight_decay_fails():
    asked = study(tune={'adamw': {'lr': log(1e-3, 1e-1)}})
    assert 'every arm has its own recipe' in fails(checks(asked, *run(asked)))


@pytest.mark.parametrize('fields', [path({'base': (), 'a': put('channel.ratio', 2.0), 'b': swap('norm', 'rms_norm')}), {}])
@pytest.mark.parametrize('base_factor', [1, 2])
@pytest.mark.parametrize('world', [WORLD, FAR], ids=['inside', 'far'])
def test_budgets_are_those_of_a_replicate(fields, base_factor, world):
    asked = study(**fields, base_factor=base_factor)
    made = checks(asked, *run(asked, world))['every arm has the same budget']
    assert made.holds
    assert made.why == 'tuning trials per replicate, arm and task: 8'


@pytest.mark.parametrize('base_factor', [1, 2])
def test_unequal_budgets_are_named(base_factor):
    asked = study(base_factor=base_factor)
    planned, records = run(asked)
    key = 'tune', 'other', 'recall', 1
    less = {**planned.asked, key: planned.asked[key][:-1]}
    made = checks(asked, dataclasses.replace(planned, asked=less), records)
    assert fails(made) == ['every arm has the same budget']
    assert (
        made['every arm has the same budget'].why
        == 'unequal in a replicate: recall, tune: other replicate 1: 7 trials; base replicate 0: 8'
    )


@pytest.mark.parametrize('other', [100.0, 57.0, 333.0])
def test_matched_compute_is_judged_by_flops(other):
    asked = study(budget='compute')
    planned, records = run(asked, WORLD, costs(other=other))
    assert (planned.budgets['other', 'digits']['steps'] == planned.budgets['base', 'digits']['steps']) == (other == 100)
    made = checks(asked, planned, records, costs(other=other))['every arm has the same budget']
    assert made.holds and 'their FLOPs match the base' in made.why


def test_steps_that_cannot_match_are_refused():
    with pytest.raises(ValueError, match=r"'other' on 'digits' would take 0.0 steps.*5% off; give the task more steps"):
        run(study(budget='compute'), WORLD, costs(other=1e9))


def test_arms_of_different_size_have_the_same_budget_by_trials():
    planned, records = run(study(), WORLD, costs(other=150.0))
    budgets = [planned.budgets[arm, 'digits']['flops'] for arm in ('base', 'other')]
    assert budgets[0] < budgets[1]
    assert checks(study(), planned, records, costs(other=150.0))['every arm has the same budget'].holds


def test_the_same_steps_are_no_matched_compute():
    """Half as dear at the same steps: equal by trials, not by FLOPs."""
    asked = study(budget='compute')
    planned, records = run(asked, WORLD, costs())
    made = checks(asked, planned, records, costs(other=50.0))
    assert fails(made) == ['every arm has the same budget']
    said = 'digits, tune: other replicate 0: 56,000.0 flops; base replicate 0: 112,000.0'
    assert said in made['every arm has the same budget'].why


def test_compute_of_unknown_cost_is_not_called_equal():
    asked = study(budget='compute')
    planned, records = run(asked, WORLD, costs())
    made = checks(asked, planned, records, {})
    assert fails(made) == ['every arm has the same budget']
    assert 'digits: the FLOPs of base and other are not all known' in made['every arm has the same budget'].why


def test_a_ladder_or_one_dataset_is_not_enough():
    asked = study(tasks=('digits',))
    assert fails(checks(asked, *run(asked))) == ['more than one dataset']


@pytest.mark.parametrize(('fields', 'said'), [({'replicates': 2}, '3 are the least'), ({'base_factor': 2}, '2 times as many')])
def test_noise_is_measured_by_replicates(fields, said):
    asked = study(**fields)
    made = checks(asked, *run(asked))['noise is measured']
    assert made.holds == ('replicates' not in fields) and said in made.why


def test_mixed_sources_are_named_with_counts_and_arms():
    asked, planned, records = sound()
    keys = [t.id for t in planned.trials if t.arm == 'other'][:3] + [t.id for t in planned.trials if t.arm == 'base'][:1]
    mixed = {**records, **{key: {**records[key], 'environment': {'source': 'newer'}} for key in keys}}
    made = checks(asked, planned, mixed)
    assert fails(made) == ['one version of the sources']
    total = len(planned.trials)
    by_arm = {arm: sum(t.arm == arm for t in planned.trials) for arm in asked.arms}
    assert made['one version of the sources'].why == (
        f'{total - 4} runs of simulated (base {by_arm["base"] - 1}, other {by_arm["other"] - 3}); '
        '4 runs of newer (base 1, other 3); run the study in a new folder'
    )


def test_what_gives_answers_away_is_named_where_a_set_has_it():
    said = {'risk': ["column 'code' alone tells the class of 100.0% of the rows (the commonest: 72.0%)"], 'other': []}
    asked, planned, records = sound()
    made = verify(Reading(asked, planned, records, {'giveaways': said}))
    (check,) = (one for one in made if one.rule == 'what gives the answer away is named')
    assert check.holds and check.why.startswith("warning, in set 'risk' column 'code' alone tells") and 'other' not in check.why


def test_changed_data_tuning_on_the_test_split_and_divergence_are_seen():
    asked, planned, records = sound()
    tuned = planned.trials[0].id
    changed = {**records, tuned: {**records[tuned], 'checksum': 'other'}}
    assert fails(checks(asked, planned, changed)) == ['one version of the data']
    leaked = {**records, tuned: {**records[tuned], 'held': 'test'}}
    assert 'nothing was tuned on test data' in fails(checks(asked, planned, leaked))
    lost = {**records, tuned: {**records[tuned], 'status': 'diverged', 'score': None}}
    made = checks(asked, planned, lost)
    assert fails(made) == [] and made['diverged runs are counted'].why.startswith(f'1 of {len(records)} runs diverged')


@pytest.mark.parametrize(('taken', 'undeclared'), [([], ''), ([3], ''), ([2, 3], '2'), ([1, 2], '1, 2')])
def test_looks_that_nobody_declared_fail(taken, undeclared):
    made = checks(*sound(), manifest={'looks': taken})['looks were declared']
    assert made.holds == (not undeclared)
    assert (f'those at {undeclared} came later and claim nothing' in made.why) == bool(undeclared)


@pytest.mark.parametrize(
    ('declared', 'taken', 'said'),
    [
        ((3,), [], 'declared at 3 replicates, taken at none; they share the error rate'),
        ((2, 3), [3, 2, 3], 'declared at 2, 3 replicates, taken at 2, 3; they share the error rate'),
        ((2, 4, 5), [2], 'declared at 2, 4, 5 replicates, taken at 2; they share the error rate'),
    ],
)
def test_looks_are_told_as_declared_and_taken(declared, taken, said):
    check = _looks(study(looks=declared, replicates=declared[-1]), {'looks': taken})
    assert check.holds and check.why == said


def test_looks_that_were_changed_after_the_first_reading_are_told():
    frozen = {'looks': [3, 5], 'shares': [0.5, 0.5], 'alpha': 0.05}
    check = _looks(study(looks=(2, 4, 5), replicates=5), {'design': frozen, 'looks': [4, 3]})
    assert not check.holds
    assert check.why == 'declared at 3, 5 replicates when findings were first read; those at 2, 4 came later and claim nothing'


def test_a_censored_recipe_is_named():
    asked = study()
    made = checks(asked, *run(asked, FAR))
    assert fails(made) == ['no recipe is censored']
    for row in ('base on digits', 'other on recall'):
        assert f'{row} (adamw lr high)' in made['no recipe is censored'].why
    asked = study(recipe='same')
    why = checks(asked, *run(asked, FAR))['no recipe is censored'].why
    assert 'base on digits (adamw lr high)' in why and 'other' not in why, 'an arm that is not tuned has no edges'


def test_sizes_that_differ_are_a_warning():
    manifest = costs()
    manifest['costs']['other']['digits']['params'] = 12
    made = checks(*sound(), manifest=manifest)['sizes are shown']
    assert made.holds and 'other on digits x1.20' in made.why


def test_an_arm_that_sees_what_it_predicts_fails_by_name_and_is_not_compared():
    asked, planned, records = sound()
    rule = 'no arm sees the tokens that it predicts'
    untold = checks(asked, planned, records)[rule]
    assert untold.holds and not untold.tried and untold.why.startswith('not checked')
    first = {key: row for key, row in records.items() if (row['held'], row['replicate'], row['task']) == ('test', 0, 'recall')}
    clean = {key: {**row, 'leak': ''} for key, row in first.items()}
    told = checks(asked, planned, {**records, **clean})[rule]
    assert told.holds and told.tried and '2 arms' in told.why
    leaking = {key: {**row, 'leak': 'token 3 sees token 4'} for key, row in clean.items() if row['arm'] == 'other'}
    made = checks(asked, planned, {**records, **clean, **leaking})
    assert fails(made) == [rule] and "'other' on recall: token 3 sees token 4" in made[rule].why
    by_task = {finding.task: finding for finding in findings(Reading(asked, planned, {**records, **clean, **leaking}))}
    assert by_task['recall'].verdict == 'not comparable' and 'sees what it is to predict' in by_task['recall'].reason
    assert by_task['digits'].effect == findings(Reading(asked, planned, records))[0].effect, 'the other task stays'


@pytest.mark.parametrize('name', ['seed', 'replicate', 'knobs', 'arm', 'optimizer', 'task', 'held'])
def test_a_record_of_another_trial_than_its_id_says_fails(name):
    asked, planned, records = sound()
    key = planned.trials[3].id
    other = {**records[key], name: {'lr': 1.0} if name == 'knobs' else 'other' if isinstance(records[key][name], str) else -1}
    made = checks(asked, planned, {**records, key: other})
    assert RULES[0] in fails(made) and f'1 records are not of the trial that their id names ({key})' in made[RULES[0]].why


def test_a_task_on_which_nothing_moved_is_named():
    asked, planned, records = sound()
    alike = {key: {**record, 'score': 0.1} for key, record in records.items() if record['task'] == 'recall'}
    made = checks(asked, planned, {**records, **alike})
    assert STILL in fails(made) and 'on recall every run' in made[STILL].why
    frozen = {key: {**record, 'initial_loss': 2.0, 'final_loss': 1.9999} for key, record in records.items()}
    assert 'on digits, recall every run' in checks(asked, planned, frozen)[STILL].why
    assert STILL not in checks(asked, planned, records)


def test_an_arm_that_gave_nothing_fails_by_name():
    asked, planned, records = sound()
    lost = {key: {**row, 'status': 'diverged', 'score': None} for key, row in records.items() if row['arm'] == 'other'}
    made = checks(asked, planned, {**records, **lost})
    assert BARREN in fails(made)
    assert "every run of 'other' on digits diverged" in made[BARREN].why
    stood = {key: {**row, 'initial_loss': 2.0, 'final_loss': 2.0} for key, row in records.items() if row['arm'] == 'other'}
    assert "nothing of 'other' on digits moved" in checks(asked, planned, {**records, **stood})[STILL].why


def test_records_of_an_older_protocol_are_named():
    asked, planned, records = sound()
    older = {f'{number:x}': record for number, record in enumerate(records.values())}
    for entry, known, holds in (({}, records, True), ({}, older, False), ({'protocol': 1}, records, False), ({}, {}, True)):
        check = checks(asked, planned, known, entry)['planned and judged by one protocol']
        assert check.holds == holds
        assert holds or 'run it again' in check.why


def test_flags_of_the_compiler_are_named_and_must_be_the_same():
    asked, planned, records = sound()
    flags = '--xla_cpu_enable_fast_math=true'
    flagged = {key: {**record, 'environment': {'source': 'abc', 'flags': flags}} for key, record in records.items()}
    made = checks(asked, planned, flagged)
    assert FLAGS not in made and made[RULES[10]].why == f'source: abc; compiled with {flags}'
    plain = {key: {**record, 'environment': {'source': 'abc'}} for key, record in records.items() if record['arm'] == 'base'}
    made = checks(asked, planned, {**flagged, **plain})
    assert fails(made) == [FLAGS]
    count = len(plain)
    assert f'{count} runs with none (base {count})' in made[FLAGS].why
    assert f'{len(records) - count} runs with {flags} (other {len(records) - count})' in made[FLAGS].why
    reading = Reading(asked, planned, {**flagged, **plain}, {})
    reasons = {finding.reason for finding in findings(reading) if finding.verdict == 'not comparable'}
    assert reasons == {f'unequal compiler flags: {flags} and none'}
