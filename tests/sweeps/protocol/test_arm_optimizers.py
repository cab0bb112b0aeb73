"""The optimizers of an arm: equal trials whatever each has, the same trials as without, and what is said of it everywhere."""

import dataclasses
import json

import pytest
from matplotlib import pyplot

from ablations.arm_optimizers import optimizers_of_arms
from ablations.config import swap
from ablations.definition import study_of
from ablations.settings import override
from ablations.shapes import factorial, optimizers
from ablations.spaces import SPACES
from ablations.study import Study
from ablations.study_files import load_study
from results.budgets import equalities
from results.claims.by_kind import claims_about
from results.claims.question import question_of
from results.claims.source import Source, claims_of
from results.claims.study_file import study_file
from results.evidence import findings
from results.expected_best import ALL_OPTIMIZERS, curves
from results.figures.effect import effect_figure
from results.figures.expected import expected_best_figure
from results.figures.rate import lr_figure
from results.good_window import windows
from results.prospect import Setting, runs_of
from results.regret import losses_of_half, regrets
from results.report.arm_changes import arm_changes
from results.sensitivity import sensitivities
from results.store.reading import Reading
from results.tables.notes import note
from results.tables.rows import columns
from results.tables.study_facts import study_facts
from results.verify import verify
from sweeps.commands import programs_of, reaches_of
from sweeps.progress import expected_trials
from sweeps.protocol.plan import schedule
from sweeps.protocol.searchers import SEARCHERS
from sweeps.protocol.searchers.comparison import Comparison
from sweeps.protocol.simulate import World, simulate, simulated_records

RMS = swap('norm', 'rms_norm')
TUNE = {name: SPACES[name] for name in ('adamw', 'muon')}
DESIGN = factorial({'norm': {'layer': (), 'rms': RMS}, 'optimizer': optimizers('adamw', 'muon')})
STUDY = Study(
    name='both',
    question='Does RMSNorm need another optimizer?',
    **DESIGN,
    tasks=('digits', 'recall'),
    tune=TUNE,
    trials=8,
    seeds=2,
    replicates=3,
    share=True,
)
OWN = {arm: names[0] for arm, names in DESIGN['optimizers'].items()}
WORLD = World(cliff=2.0, noise=0.01, shift={'muon': 0.2})
PLAIN = Study(name='all', question='?', arms={'base': (), 'again': (), 'rms': RMS}, tasks=('digits',), tune=TUNE)


@pytest.fixture(scope='module')
def finished() -> Reading:
    planned, records = simulate(STUDY, WORLD, 0)
    for t in planned.trials:
        records[t.id] |= {'arm': t.arm, 'task': t.task, 'replicate': t.replicate, 'phase': t.phase, 'checksum': 'same'}
    return Reading(STUDY, planned, records, {})


def test_each_arm_has_its_own_and_all_have_as_many_trials(finished):
    planned = finished.schedule
    assert planned.complete and {(t.arm, t.program.optimizer) for t in planned.trials} == set(OWN.items())
    assert {budget['trials'] for budget in planned.budgets.values()} == {8 * 3} and STUDY.tuning_runs == 8
    assert all(one.equal for one in equalities(STUDY, planned, finished.records, {}))
    # Arms with the base's optimizer alone are confirmed at the base's recipe.
    assert {arm for phase, arm, *_ in planned.asked if phase == 'share'} == {'base', 'rms'}
    assert expected_trials(STUDY, schedule(STUDY, {}, {})) == len(planned.trials)
    tuning, confirmation = runs_of(STUDY, Setting(trials=8, seeds=2, replicates=3))['digits']
    assert 2 * (tuning + confirmation) == len(planned.trials)


def test_programs_and_reaches_are_of_those_alone():
    assert {(one.arm, one.optimizer) for one in programs_of(STUDY)} == set(OWN.items())
    assert {arm: list(own) for arm, own in reaches_of(STUDY).items()} == {arm: [name] for arm, name in OWN.items()}
    # Two arms of one model and one optimizer still share what is compiled.
    twins = dataclasses.replace(PLAIN, optimizers={'base': 'muon', 'again': 'muon', 'rms': 'adamw'})
    assert len({one.signature for one in programs_of(twins)}) == 2


def test_trials_are_what_they_were_with_all_optimizers():
    given = {'base': ('adamw',), 'again': ('muon',), 'rms': ['muon']}
    before, after = (
        {trial.id: trial for trial in schedule(one, {}, {}).trials}
        for one in (PLAIN, dataclasses.replace(PLAIN, optimizers=given))
    )
    assert set(after) == {name for name, trial in before.items() if trial.program.optimizer in given[trial.arm]}


def test_it_is_part_of_a_study_only_where_arms_differ():
    assert 'optimizers' not in PLAIN.to_dict() and PLAIN.optimizers_of('rms') == ('adamw', 'muon')
    said = dataclasses.replace(PLAIN, optimizers={'base': ('muon', 'adamw'), 'rms': ('adamw', 'muon')})
    assert said.optimizers == {} and said.digest == PLAIN.digest
    assert STUDY.digest != dataclasses.replace(STUDY, optimizers={}).digest
    plain = json.loads(json.dumps(STUDY.to_dict()))
    assert study_of(plain).digest == STUDY.digest and study_of(plain).optimizers == STUDY.optimizers
    made = override(PLAIN, ["optimizers={'base': ('adamw',), 'again': ('muon',), 'rms': ('muon',)}"])
    assert made.optimizers_of('rms') == ('muon',) and override(STUDY, ['trials=9']).optimizers == STUDY.optimizers


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'optimizers': {'rms': ('muon',)}}, 'unequal numbers of them (base 2, again 2, rms 1)'),
        ({'optimizers': dict.fromkeys(PLAIN.arms, 'muon')}, "tune has 'adamw', which no arm has"),
        ({'optimizers': {arm: 'adamw' if arm == 'base' else 'muon' for arm in PLAIN.arms}, 'recipe': 'same'}, "recipe='same'"),
        (
            {'optimizers': {arm: 'adamw' if arm == 'base' else 'muon' for arm in PLAIN.arms}, 'screening': 4},
            "screening=4 of one optimizer, ['adamw']",
        ),
    ],
)
def test_what_would_make_arms_unequal_is_refused(fields, said):
    with pytest.raises(ValueError) as caught:
        dataclasses.replace(PLAIN, **fields)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ('given', 'made'),
    [
        ({}, {}),
        ({'b': ('z', 'x'), 'a': ['x', 'y']}, {'a': ('x', 'y'), 'b': ('x', 'z')}),
        ({'a': ('z', 'y', 'x'), 'b': ('x', 'y', 'z')}, {}),
        ({'b': ('y', 'z'), 'a': ('y', 'x')}, {'a': ('x', 'y'), 'b': ('y', 'z')}),
    ],
    ids=str,
)
def test_how_optimizers_are_written_down_changes_nothing(given: dict, made: dict):
    """Neither the order of arms, nor that of names; an arm with all of them is not told."""
    told = optimizers_of_arms('mine', given, ['a', 'b'], ['x', 'y', 'z'])
    assert told == made and list(told) == list(made)


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'a': ('x', ['x'])}, r"optimizers\['a'\] has \['x'\], which tune does not have"),
        ({'a': ('x', 'x')}, 'allowed: one or more of .*, each once'),
        ({'a': ''}, "optimizers\\['a'\\] has ''"),
        ({'a': {'x'}}, 'each once; leave the arm out'),
        ({'a': ('x',)}, r'unequal numbers of them \(a 1, b 3\)'),
        ({'a': ('x', 'y'), 'b': ('y', 'x')}, "tune has 'z', which no arm has by optimizers="),
    ],
    ids=str,
)
def test_optimizers_that_an_arm_cannot_have_are_refused(given: dict, said: str):
    with pytest.raises(ValueError, match=said):
        optimizers_of_arms('mine', given, ['a', 'b'], ['x', 'y', 'z'])


@pytest.mark.parametrize(
    ('made', 'said'),
    [
        (lambda: optimizers('adamw'), 'two or more optimizers'),
        (lambda: optimizers('adamw', 'adamw'), 'each once'),
        (lambda: optimizers('adamw', 3), "optimizers of ('adamw', 3); give the names"),
        (lambda: factorial({'a': optimizers('adamw', 'muon'), 'b': optimizers('sgd', 'lion')}), 'an arm has one'),
        (
            lambda: factorial({'a': {'x': (), **optimizers('adamw', 'muon')}, 'b': {'y': (), 'z': RMS}}),
            "Optimizer(name='adamw')",
        ),
    ],
)
def test_a_factor_that_is_none_is_refused(made, said):
    with pytest.raises(ValueError) as caught:
        made()
    assert said in str(caught.value)


def test_the_factor_has_its_effect_and_every_table_says_who_had_which(finished):
    concluded = findings(finished)
    verdicts = {(f.arm, f.task): f for f in concluded}
    assert {verdicts[arm, 'digits'].verdict for arm in ('muon', 'rms_and_muon')} == {'better'}
    assert [verdicts[arm, 'digits'].shared_effect is None for arm in STUDY.arms if arm != 'base'] == [True, False, True]
    facts = study_facts(finished, concluded)
    lines = {line.name: line for line in facts.effects if line.task == 'digits'}
    assert lines['optimizer: muon'].verdict == 'better' and lines['optimizer: muon'].effect == pytest.approx(0.2, abs=0.02)
    assert set(lines) == {'norm: rms', 'optimizer: muon', 'norm: rms x optimizer: muon'}
    said = note(concluded, facts=facts)
    assert 'Arms differ in the optimizers that they are tuned with: adamw: base, rms; muon: muon, rms_and_muon.' in said
    assert 'Not run at the recipe of the base, whose optimizers they do not have: muon, rms_and_muon.' in said
    assert 'shared' in {column.key for column in columns(concluded, facts)}
    changes = arm_changes(STUDY)
    assert changes['muon'] == 'optimizer muon, not adamw'
    assert changes['rms_and_muon'] == 'norm rms_norm, not layer_norm; optimizer muon, not adamw'
    (rule,) = [check for check in verify(finished) if check.rule == 'every arm has its own recipe']
    assert rule.holds and 'base with adamw; muon with muon' in rule.why
    (budget,) = [check for check in verify(finished) if check.rule == 'every arm has the same budget']
    assert budget.holds


def test_where_no_arm_can_share_there_is_no_column_of_it():
    pair = dataclasses.replace(STUDY, **{'levels': {}, 'shape': 'one_swap'}, arms={'base': (), 'muon': ()}, tasks=('digits',),
                               optimizers={'base': 'adamw', 'muon': 'muon'})  # fmt: skip
    planned, records = simulate(pair, WORLD, 0)
    reading = Reading(pair, planned, records, {})
    concluded = findings(reading)
    facts = study_facts(reading, concluded)
    assert not {'shared', 'shared_verdict'} & {column.key for column in columns(concluded, facts)}
    assert 'Not run at the recipe of the base, whose optimizers they do not have: muon' in note(concluded, facts=facts)


def test_everything_that_reads_tunings_reads_them(finished):
    made = {name: function(finished) for name, function in (('windows', windows), ('sensitivities', sensitivities))}
    for own in made.values():
        assert {(one.arm, one.optimizer) for one in own} == set(OWN.items())
    assert {one.task for one in regrets(finished)} == {'digits', 'recall'}
    assert {one.cases for one in regrets(finished)} == {4 * 3} and None not in losses_of_half(finished).values()
    told = {(curve.arm, curve.optimizer) for curve in curves(finished)}
    assert told == {*OWN.items(), *((arm, ALL_OPTIMIZERS) for arm in OWN)}
    for figure in (lr_figure, expected_best_figure):
        drawn = figure(finished, findings(finished))
        assert drawn.axes
        pyplot.close(drawn)
    drawn = effect_figure(finished, findings(finished))
    rows = {float(line.get_ydata()[0]) for line in drawn.axes[0].get_lines() if line.get_marker() not in ('None', '')}
    # Arms without an effect at the base's recipe stand in the middle of their row.
    assert rows == {0, 1 - 0.17, 1 + 0.17, 2}
    panels = [axes for axes in lr_figure(finished, []).axes if axes.get_title() == 'digits, muon']
    # Two arms with points of three replicates, their lines and selected rates; the others have none here.
    assert len({line.get_marker() for line in panels[0].get_lines()} - {'None', '', 'x'}) == 2


def test_claims_tell_optimizers_apart_and_go_back_to_their_study(finished, tmp_path):
    rows = [finding.to_dict() for finding in findings(finished)]
    made = claims_of(Source(STUDY, STUDY.digest, rows, {}, 'runs', 'runs/x'))
    by_arm = {(one.arm, one.scope, one.tasks[0]): one for one in made}
    muon, rms = by_arm['muon', 'dataset', 'digits'], by_arm['rms', 'dataset', 'digits']
    assert muon.settings[0].differences == ({'path': 'optimizer', 'from': 'adamw', 'to': 'muon'},)
    assert (muon.optimizers, rms.optimizers) == (('adamw', 'muon'), ('adamw',))
    both = by_arm['rms_and_muon', 'dataset', 'digits']
    assert len({question_of(one).key for one in (muon, rms, both)}) == 3
    assert {one.arm for one in claims_about(made, 'muon')} == {'muon', 'rms_and_muon'}
    turned = dataclasses.replace(STUDY, arms={'base': (), 'back': ()}, levels={}, shape='one_swap',
                                 optimizers={'base': 'muon', 'back': 'adamw'})  # fmt: skip
    back = claims_of(Source(turned, 'x', [{**rows[0], 'arm': 'back'}], {}, 'runs', 'runs/x'))[0]
    assert question_of(back).key == question_of(muon).key and question_of(back).reversed != question_of(muon).reversed
    for one in (muon, rms, both):
        path = tmp_path / f'{one.arm}.py'
        path.write_text(study_file(one, STUDY))
        again = load_study(str(path))
        assert all(again.optimizers_of(arm) == STUDY.optimizers_of(arm) for arm in again.arms)
        assert set(again.tune) == {OWN[arm] for arm in again.arms}


def test_searchers_try_an_arm_with_its_own_alone():
    study, records = dataclasses.replace(STUDY, tasks=('digits',)), {}
    comparison = Comparison(study, runs=27, replicates=2, seeds=2)
    planned = comparison.schedule(study, records, {}, lambda trials: simulated_records(study, WORLD, trials, 3))
    assert planned.complete
    assert {(t.arm, t.program.optimizer) for t in planned.trials} == set(OWN.items())
    assert {one.searcher for one in comparison.searched(records)} == set(SEARCHERS)
