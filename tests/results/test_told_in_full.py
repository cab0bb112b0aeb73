"""Told in full: sentences on what is wrong with a study, word by word, up to what to do about it."""

import dataclasses

import pytest
from told_study import around, one, told
from told_study import study as two_arms
from verified_study import BARREN, FLAGS, RULES, STILL, WORLD, costs, run, sound, study

from ablations.spaces import log
from ablations.study import Study
from results.budgets import Equality
from results.comparability import incomparable, without_values
from results.factorial import factorials
from results.looks import Looks
from results.side import Side
from results.store.reading import Reading
from results.verify import verify
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import Hill, World, simulate


def why(rule: str, reading: Reading) -> str:
    return next(check.why for check in verify(reading) if check.rule == rule)


def changed(**fields: object) -> Reading:
    """The sound study, whose other arm has records with other fields."""
    asked, planned, records = sound()
    return Reading(asked, planned, {key: {**r, **fields} if r['arm'] == 'other' else r for key, r in records.items()})


def test_what_is_not_tuned_or_measured_and_what_to_do():
    bare = study(tune={'adamw': {'lr': log(1e-3, 1e-1)}})
    lacking = 'adamw lacks a range for learning rate or weight decay; add it to tune'
    assert why(RULES[3], Reading(bare, schedule(bare, {}, {}), {})) == lacking
    for fields, said in (
        ({}, '3 independent tunings of every arm, 4 confirmation seeds each'),
        (
            {'base_factor': 2, 'seeds': 2},
            '3 independent tunings of every arm (2 times as many of the base), 2 confirmation seeds each',
        ),
        (
            {'replicates': 2},
            '2 independent tunings of every arm, 4 confirmation seeds each; 3 are the least, 5 the default',
        ),
    ):
        asked = study(**fields)
        assert why(RULES[6], Reading(asked, schedule(asked, {}, {}), {})) == said


def test_one_recipe_for_all_and_runs_that_stop_and_what_to_do():
    asked = study(recipe='same')
    given = Reading(asked, schedule(asked, {}, {}), {})
    assert why(RULES[3], given) == "only 'base' is tuned, and every arm runs at its recipe; set recipe='own'"
    assert why(RULES[4], given) == "only 'base' is tuned, the other arms have no tuning budget; set recipe='own'"
    asked = study(halvings=(0.5,))
    assert why('stopped runs are counted', Reading(asked, schedule(asked, {}, {}), {})) == (
        'warning, tuning stops the worse half of its runs at 0.5 of their steps: 0 of 0 so far, which have no score and enter '
        'the selection with the end that they were heading for; what it does to verdicts is measured in docs/trust.md and not '
        'promised'
    )
    key = sound()[1].trials[0].id
    _, planned, records = sound()
    other = Reading(study(), planned, {**records, key: {**records[key], 'seed': -1}}, skipped=('a is damaged',))
    assert why(RULES[0], other) == (
        f'a is damaged; 1 records are not of the trial that their id names ({key}); take them out of the folder'
    )
    alone = study(tasks=('digits',))
    assert why(RULES[5], Reading(alone, schedule(alone, {}, {}), {})) == (
        '1: digits; a claim needs two or more: add a task on another dataset'
    )
    assert why(RULES[5], Reading(study(), planned, records)) == '2: digits, recall'


def test_budgets_whose_costs_are_unknown_and_what_to_do():
    asked = study(budget='compute')
    unknown = 'the FLOPs of base and other are not all known'
    assert why(RULES[4], Reading(asked, *run(asked, WORLD, costs()))) == (
        f'cannot be said: digits: {unknown}; recall: {unknown}; run the study again, which counts costs first'
    )


def test_reads_that_were_lost_and_what_to_do():
    asked, planned, records = sound()
    on_test = {name: sum(t.held == 'test' and t.task == name for t in planned.trials) for name in ('digits', 'recall')}
    given = Reading(asked, planned, records, {'test_reads': {**on_test, 'digits': 3}})
    assert why(RULES[8], given) == (
        f'fewer reads of test data are counted than recorded (digits: 3 for {on_test["digits"]}); run again, which counts them'
    )


def test_flags_of_two_sorts_giveaways_and_lost_arms_and_what_to_do():
    asked, planned, records = sound()
    count = {arm: sum(record['arm'] == arm for record in records.values()) for arm in asked.arms}
    assert why(FLAGS, changed(environment={'flags': '--fast'})) == (
        f'{count["base"]} runs with none (base {count["base"]}); {count["other"]} runs with --fast (other {count["other"]}); '
        'run the study in a new folder, with the same flags for all'
    )
    given = Reading(asked, planned, records, {'giveaways': {'risk': ['one', 'two'], 'none': [], 'rain': ['three']}})
    assert why('what gives the answer away is named', given) == (
        "warning, in set 'risk' one; two; in set 'rain' three; leave out what is made from the answer or known only after it"
    )
    each = {name: sum(r['arm'] == 'other' and r['task'] == name for r in records.values()) for name in ('digits', 'recall')}
    lost = '; '.join(f"every run of 'other' on {name} diverged ({runs} of {runs})" for name, runs in each.items())
    assert why(BARREN, changed(status='diverged', score=None)) == (
        f'{lost}; look at its learning rates, and at the reasons in the records '
        '(archlab query "select arm, task, reason from trials")'
    )


def test_runs_that_stood_still_and_what_to_do():
    _, _, records = sound()
    each = {name: sum(r['arm'] == 'other' and r['task'] == name for r in records.values()) for name in ('digits', 'recall')}
    stood = [
        f"nothing of 'other' on {name} moved: every run ends within 0.1 % of the loss that it began with ({runs} of {runs})"
        for name, runs in each.items()
    ]
    still = changed(initial_loss=2.0, final_loss=2.0)
    assert why(STILL, still) == f'{"; ".join(stood)}; look at learning rates, steps and data'
    alike = {key: {**record, 'score': 0.1} if record['task'] == 'digits' else record for key, record in still.records.items()}
    assert why(STILL, dataclasses.replace(still, records=alike)) == (
        'on digits every run ends within 0.1 % of the loss that it began with, or all at one score; '
        f'{stood[1]}; look at learning rates, steps and data'
    )


def test_leaks_doubled_trials_and_sealed_runs_are_told_to_the_end():
    rule = 'no arm sees the tokens that it predicts'
    assert why(rule, changed(leak='token 3 sees token 4')) == (
        "'other' on digits: token 3 sees token 4; 'other' on recall: token 3 sees token 4; mend the block (`archlab check`) "
        'and run the study in a new folder'
    )
    assert why(rule, changed()) == 'not checked: the records do not say it of any arm'
    asked, planned, records = sound()
    counted = f'0 of {len(records)} runs diverged; they enter no mean, and each is counted'
    assert why('diverged runs are counted', Reading(asked, planned, records)) == counted
    assert why('likeness to rough worlds is named', Reading(asked, planned, records)) == 'nothing that the calibration warns of'


# Findings.


def test_what_two_arms_differ_by_before_any_score():
    asked = two_arms()
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    arm, base = (Side(Reading(asked, planned, records), name, asked.tasks[0]) for name in ('arm', 'base'))

    def said(*budgets: Equality, study: Study = asked) -> str:
        return incomparable(study, budgets, arm, base)

    differs = Equality('digits', 'tune', False, 'arm differs', {'arm': 'arm: 7 trials; base: 8'})
    unknown = Equality('digits', 'share', None, 'the FLOPs of arm are not all known', unknown=('base',))
    assert said() == '' == said(Equality('digits', 'tune', True, 'all alike'))
    assert said(differs, unknown) == 'unequal budgets, tune: arm: 7 trials; base: 8'
    assert said(unknown, differs) == 'budgets that may be unequal, share: the FLOPs of arm are not all known'
    # Those of other tasks and arms are no matter here, nor those of tuning where only the base is tuned.
    others = Equality('digits', 'tune', False, 'c differs', {'c': 'c: 7 trials'}, ('d',))
    assert said(dataclasses.replace(differs, task='recall'), others) == ''
    same = dataclasses.replace(asked, recipe='same')
    assert said(differs, study=same) == ''
    later = dataclasses.replace(differs, phase='confirm')
    assert said(differs, later, study=same) == 'unequal budgets, confirm: arm: 7 trials; base: 8'
    for who in ('arm', 'base'):
        own = [trial.id for trial in planned.trials if trial.arm == who and trial.phase in ('tune', 'confirm')][-2:]
        failed = {key: {**record, 'status': 'failed'} if key in own else record for key, record in records.items()}
        sides = (Side(Reading(asked, planned, failed), name, asked.tasks[0]) for name in ('arm', 'base'))
        told_of = f"2 runs of '{who}' failed (not diverged); see `archlab status`, then run with --retry-failed"
        assert incomparable(asked, (differs,), *sides) == told_of
    leaks = {key: {**record, 'leak': 'token 3 sees token 4'} for key, record in records.items() if record['held'] == 'test'}
    for who, seen in (('arm', True), ('base', True), ('neither', False)):
        own = {trial.id for trial in planned.trials if trial.arm == who}
        known = {key: leaks.get(key, record) if key in own else record for key, record in records.items()}
        sides = (Side(Reading(asked, planned, known), name, asked.tasks[0]) for name in ('arm', 'base'))
        told_of = f"'{who}' sees what it is to predict: token 3 sees token 4"
        assert incomparable(asked, (), *sides) == told_of * seen


def test_flags_are_told_in_order():
    asked = two_arms()
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    flags = dict(zip([*records], ['--d', '--b', '', '--c', '--a', '--e'] * len(records), strict=False))
    mixed = {key: {**one, 'environment': {'source': 'a', 'flags': flags[key]}} for key, one in records.items()}
    sides = (Side(Reading(asked, planned, mixed), name, asked.tasks[0]) for name in ('arm', 'base'))
    assert incomparable(asked, (), *sides) == 'unequal compiler flags: --a and --b and --c and --d and --e and none'


def test_verdicts_are_told_to_the_last_word():
    def reason(effect: float, deviation: float) -> tuple[str, str]:
        values = {('arm', 'digits'): around(0.5 + effect, deviation, 1), ('base', 'digits'): around(0.5, deviation)}
        made = one(two_arms(), values)
        p, equal = (f'{value:.2g}' for value in (made.p_adjusted, made.p_equivalent))
        return made.reason.replace(f'adjusted p {p}', 'adjusted p P').replace(f'adjusted p {equal}', 'adjusted p E'), made

    for effect, deviation, said in (
        (0.1, 0.01, '+0.1 share of images, adjusted p P'),
        (0.006, 0.001, '+0.006 share of images, adjusted p P, negligible: within the margin'),
        (0.001, 0.003, '+0.001 share of images, within the margin, adjusted p E'),
        (
            0.005,
            1.0,
            '+0.005 share of images, adjusted p P; more than 1000 replicates would be needed at this effect; '
            '5 cannot show equivalence within the margin at this noise',
        ),
    ):
        assert reason(effect, deviation)[0] == said
    told_of, made = reason(0.02, 0.03)
    assert told_of == (
        f'+0.02 share of images, adjusted p P; about {made.needed} replicates would likely decide it at this effect and noise; '
        '5 cannot show equivalence within the margin at this noise'
    )


def test_more_runs_that_diverged_and_what_the_others_gave():
    world = World(hills={'arm': Hill(lost=0.7, cliff=2.0)}, cliff=2.0)
    (made,) = told(two_arms(seeds=4), {}, world=world, rewritten=False)
    assert made.verdict == 'unstable' and made.effect is not None
    assert made.reason == (
        f'{made.diverged} of 20 confirmation runs of arm against 0 of 20 confirmation runs of base diverged, '
        f'adjusted p {made.p_diverged:.2g}; of the runs that ended {made.effect:+.3g} share of images'
    )


def test_cells_in_which_every_run_diverged_are_named():
    levels = {'base': {'norm': 'layer'}, 'rms': {'norm': 'rms'}}
    asked = Study(name='told', question='?', arms=dict.fromkeys(levels, ()), tasks=('digits',), trials=4, replicates=2)
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    for replicate in range(2):
        for trial in planned.asked['confirm', 'rms', 'digits', replicate]:
            records[trial.id] |= {'status': 'diverged', 'score': None}
    (made,) = factorials(Reading(asked, planned, records), levels)
    assert (made.effects, made.reason) == ((), 'every run of these diverged: rms')
    assert [cell.arm for cell in made.cells] == ['base']


@pytest.mark.parametrize('student', [False, True])
def test_looks_are_kept_as_they_are_declared(student: bool):
    plain = Looks((3, 5), (0.36, 0.64), 0.05, student).to_dict()
    assert plain == {'looks': [3, 5], 'shares': [0.36, 0.64], 'alpha': 0.05} | ({'student': True} if student else {})


@pytest.mark.parametrize(
    ('statuses', 'how'),
    [
        (('ok', 'stopped'), 'diverged'),
        (('diverged', 'stopped'), 'diverged'),
        (('failed', 'diverged', 'ok'), 'diverged or failed'),
        (('failed',), 'failed'),
    ],
)
def test_how_tuning_runs_were_lost_is_told_of_the_arm_that_is_tuned(statuses, how):
    asked = two_arms(replicates=3)
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    planned = dataclasses.replace(planned, selections=dict.fromkeys(planned.selections))
    order = iter(statuses * len(records))
    mixed = {key: {**one, 'status': next(order)} for key, one in records.items()}
    sides = {name: Side(Reading(asked, planned, mixed), name, asked.tasks[0]) for name in ('arm', 'base')}
    count = len(sides['arm'].recorded('tune'))
    told_of = f'{how} ({count} of {count})'
    assert without_values(asked, sides['arm'], sides['base']) == f"every tuning run of 'arm' {told_of}"
    assert without_values(asked, sides['base'], sides['arm']) == f"every tuning run of 'base' {told_of}"
    same = dataclasses.replace(asked, recipe='same')
    assert without_values(same, sides['arm'], sides['base']) == f"every tuning run of 'base' {told_of}"


def test_sizes_are_told_where_those_of_both_are_known():
    cost, half = {'params': 10, 'macs': 40, 'flops': 5}, {'params': 20, 'macs': 160, 'flops': 5}
    for costs_of, sizes in (
        ({'arm': {'digits': cost}, 'base': {'digits': half}}, (10, 40, 0.5, 0.25)),
        ({'arm': {'digits': cost}}, (None,) * 4),
        ({'base': {'digits': half}}, (None,) * 4),
        ({}, (None,) * 4),
    ):
        made = one(two_arms(), {}, manifest={'costs': costs_of})
        assert (made.params, made.macs, made.params_ratio, made.macs_ratio) == sizes
