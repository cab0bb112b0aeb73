"""Searchers: equal runs for each, proposals by what was seen alone, and gains that fresh seeds confirm or not."""

import dataclasses
import hashlib
import math
from typing import ClassVar

import numpy as np
import pytest
from made_up_launcher import MadeUp, Silent

from ablations.spaces import SPACES, choice, log
from ablations.study import Study, swap, task
from ablations.trial import TEST, TUNING
from results.gains.gain import gains
from results.store.recorded import read_folder
from sweeps.progress import expected_by_task
from sweeps.protocol.pack import Pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.search import NOTHING, propose
from sweeps.protocol.searchers import SEARCHERS
from sweeps.protocol.searchers.candidate import Candidate, Candidates
from sweeps.protocol.searchers.comparison import STARTED, Comparison
from sweeps.protocol.searchers.searcher import Proposal
from sweeps.protocol.simulate import World, simulated_records
from sweeps.run import Run

ARMS = {'base': (), 'rms': swap('norm', 'rms_norm'), 'bare': swap('mixer', 'identity')}
CHANCE = {'chance': -1.0}
SPACE = {'lr': log(1e-4, 1e-1), 'beta': choice(0.9, 0.95, 0.99)}
STUDY = Study(
    name='searched',
    question='Who finds the best arm?',
    arms=ARMS,
    tasks=(task('digits', **CHANCE),),
    tune={'adamw': SPACES['adamw'], 'sgd': SPACES['sgd']},
)
MIXED = dataclasses.replace(STUDY, tune={'adamw': {'lr': SPACE['lr']}, 'lion': {'lr': SPACE['lr'], 'b1': SPACE['beta']}})
FLAT = World(curvature=0.0, cliff=9.0)
PEAK = World(top={'rms': 0.2}, noise=0.01, split=0.0)


KNOWN: dict[tuple, tuple] = {}


def finished(world: World, study: Study = STUDY, **numbers: object) -> tuple:
    """A comparison that ran to its end in a world, its schedule and its records; each is worked out once."""
    key = repr(world), study.digest, *numbers.items()
    if key not in KNOWN:
        comparison, records = Comparison(study, **{'runs': 44, 'replicates': 3, 'seeds': 3, **numbers}), {}
        schedule = comparison.schedule(study, records, {}, lambda trials: simulated_records(study, world, trials, 3))
        KNOWN[key] = comparison, schedule, records
    return KNOWN[key]


def test_every_searcher_has_its_runs_and_none_sees_the_test_split_but_the_labs_own_confirmation():
    comparison, schedule, records = finished(PEAK)
    assert schedule.complete and schedule.look == 3 and set(records) == {trial.id for trial in schedule.trials}
    searched = comparison.searched(records)
    assert [(one.replicate, one.searcher) for one in searched] == [(r, name) for r in range(3) for name in SEARCHERS]
    # 44 less 4 x 3 confirmations leaves 32 for six pairs of an arm and an optimizer: five each.
    assert {one.runs for one in searched if one.searcher == 'lab'} == {5 * 6 + 4 * 3}
    assert {one.runs for one in searched if one.searcher != 'lab'} == {44}
    of_search = [trial for trial in schedule.trials if trial.phase.startswith('search')]
    assert sum(trial.held == TEST for trial in of_search) == 3 * 12
    assert all(trial.held == TEST for trial in schedule.trials if trial.phase.startswith('confirm'))
    started = [trial for trial in schedule.trials if trial.phase == STARTED]
    # The start is confirmed once for all searchers of a replicate, in its data split.
    assert [trial.replicate for trial in started] == [0] * 3 + [1] * 3 + [2] * 3 and {t.arm for t in started} == {'base'}
    assert len({trial.seed for trial in of_search}) == len(of_search)
    chosen = [trial for trial in schedule.trials if trial.phase == 'confirm_greedy' and trial.replicate == 1]
    assert {trial.seed for trial in chosen} == {trial.seed for trial in started if trial.replicate == 1}
    assert expected_by_task(STUDY, schedule) == {'digits': 3 * (4 * (44 + 3) + 3)}


def test_a_gain_that_is_there_is_found_and_confirmed_by_all():
    comparison, _, records = finished(PEAK)
    for gain in gains(comparison.searched(records)):
        assert gain.arms == {'rms': 3} and gain.confirmed[0] == pytest.approx(0.2, abs=0.05), gain
        assert gain.share == pytest.approx(1.0, abs=0.35) and gain.searches == 3


def test_where_nothing_can_be_gained_the_best_run_claims_much_and_the_lab_little():
    # Without Bayesian optimisation, which takes seconds for it.
    comparison, _, records = finished(FLAT, replicates=8, searchers=('greedy', 'random', 'lab'))
    claimed = {gain.searcher: gain for gain in gains(comparison.searched(records))}
    for name in ('greedy', 'random'):
        assert claimed[name].claimed[0] > 1.5 * FLAT.noise and claimed[name].vanished[1][0] > 0
    assert claimed['lab'].claimed[0] < min(claimed[name].claimed[0] for name in ('greedy', 'random')) / 2
    assert all(abs(gain.confirmed[0]) < FLAT.noise for gain in claimed.values())


@pytest.mark.parametrize('study', [STUDY, MIXED], ids=['alike', 'mixed'])
@pytest.mark.parametrize('name', SEARCHERS)
def test_a_searcher_follows_from_what_was_seen_and_its_seed(name: str, study: Study):
    candidates = Candidates(study, study.tasks[0])
    runs = SEARCHERS[name].fewest(candidates, 1) + 12

    def followed(seed: int, worse: int | None = None) -> list:
        searcher, seen = SEARCHERS[name](candidates, runs, 1, seed), []
        while proposals := searcher.propose(seen):
            scores = [
                -math.inf if place == worse else 0.1 * ((place * 7) % 5)
                for place in range(len(seen), len(seen) + len(proposals))
            ]
            seen += list(zip(proposals, scores, strict=True))
        assert searcher.ending(seen).candidate.arm in study.arms
        return [proposal for proposal, _ in seen]

    one = followed(0)
    assert followed(0) == one != followed(1) and len(one) <= runs
    for arm, optimizer, units in (proposal.candidate for proposal in one):
        assert arm in study.arms and len(units) == len(study.space(arm, optimizer)) and all(0 <= unit < 1 for unit in units)
    assert len(followed(0, worse=1)) == len(one)


def test_the_start_is_asked_for_with_the_first_runs_of_every_search():
    comparison = Comparison(STUDY, runs=44, replicates=2, seeds=3)
    first = comparison.schedule(STUDY, {}, {})
    counts = {phase: sum(trial.phase == phase for trial in first.trials) for phase in (STARTED, 'search_1')}
    # Of each replicate three runs of the start, all random ones, thirty of the lab, and one of each search that waits for it.
    assert counts == {STARTED: 2 * 3, 'search_1': 2 * (44 + 5 * 6 + 1 + 1)} and len(first.trials) == sum(counts.values())
    assert (first.complete, first.look, first.expected) == (False, 0, {'digits': 2 * (4 * (44 + 3) + 3)})


def test_what_is_drawn_at_random_is_what_the_search_of_that_name_draws():
    candidates = Candidates(MIXED, MIXED.tasks[0])
    drawn = SEARCHERS['random'](candidates, 9, 1, 5).propose([])
    points = propose('random', candidates.joint, NOTHING, 8, 0, 5)
    assert drawn == [Proposal(candidates.start), *(Proposal(candidates.of_joint(point)) for point in points)]


def test_the_labs_own_tuning_is_that_of_the_first_points_of_its_search():
    candidates = Candidates(MIXED, MIXED.tasks[0])
    searcher = SEARCHERS['lab'](candidates, 45, 2, 5)
    tuned, count = searcher.propose([]), (45 - 2 * 4) // 6
    assert len(tuned) == 6 * count == 36
    for number, (arm, optimizer) in enumerate((arm, optimizer) for arm in ARMS for optimizer in MIXED.tune):
        seed = int(searcher.chance('points', arm, optimizer).integers(2**31))
        points = propose('sobol', MIXED.space(arm, optimizer), NOTHING, count, 0, seed)
        own = tuned[number * count : (number + 1) * count]
        assert own == [Proposal(Candidate(arm, optimizer, tuple(point))) for point in points.tolist()]


def test_a_led_search_asks_for_one_point_after_all_that_was_seen():
    candidates = Candidates(MIXED, MIXED.tasks[0])
    searcher = SEARCHERS['bayes'](candidates, 12, 1, 5)
    seen = [(Proposal(candidates.of_joint(np.full(4, 0.08 * place))), 0.1 * place) for place in range(10)]
    units = np.array([candidates.in_joint(one.candidate) for one, _ in seen])
    (point,) = propose('tpe', candidates.joint, (units, 0.1 * np.arange(10)), 1, 10, 5)
    assert searcher.propose(seen) == [Proposal(candidates.of_joint(point))]


# The first 16 digits of the hash of sixty proposals. Update only if you meant it: records of searches rest on them.
GREEDY = 'f1c9998e519f7938'


def test_greedy_proposes_what_it_proposed():
    candidates, seen = Candidates(MIXED, MIXED.tasks[0]), []
    searcher = SEARCHERS['greedy'](candidates, 60, 1, 5)
    while proposals := searcher.propose(seen):
        seen.append((proposals[0], float((len(seen) * 37) % 11)))
    said = str([(one.candidate.arm, one.candidate.optimizer, *np.round(one.candidate.units, 6).tolist()) for one, _ in seen])
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == GREEDY


def test_greedy_changes_one_thing_of_the_best_so_far():
    candidates = Candidates(MIXED, MIXED.tasks[0])
    searcher = SEARCHERS['greedy'](candidates, 60, 1, 5)
    seen, kinds = [], set()
    while proposals := searcher.propose(seen):
        (proposal,) = proposals
        if seen:
            best = max(seen, key=lambda one: one[1])[0].candidate
            new = proposal.candidate
            shared = min(len(best.units), len(new.units))
            moved = sum(one != other for one, other in zip(best.units[:shared], new.units[:shared], strict=True))
            changed = [best.arm != new.arm, best.optimizer != new.optimizer, moved > 0]
            assert sum(changed) == 1 and moved <= 1, (best, new)
            kinds.add(changed.index(True))
            if moved and best.units[0] == new.units[0]:
                assert MIXED.space(*new[:2])['b1'].value(new.units[1]) != MIXED.space(*new[:2])['b1'].value(best.units[1])
        seen.append((proposal, float(np.sin(len(seen)))))
    assert kinds == {0, 1, 2} and len(seen) == 60


def test_the_best_run_is_claimed_over_one_run_of_the_start():
    candidates = Candidates(STUDY, STUDY.tasks[0])
    searcher = SEARCHERS['random'](candidates, 3, 1, 0)
    seen = list(zip(searcher.propose([]), [0.5, 0.75, -math.inf], strict=True))
    assert searcher.ending(seen) == (seen[1][0].candidate, 0.25)
    # A start that diverged counts as chance, and so does a search in which every run did.
    assert searcher.ending([(seen[0][0], -math.inf), *seen[1:]]).claimed == 0.75 - candidates.chance
    assert searcher.ending([(proposal, -math.inf) for proposal, _ in seen]).claimed == 0.0


def test_the_joint_space_holds_every_candidate():
    candidates = Candidates(MIXED, MIXED.tasks[0])
    assert list(candidates.joint) == ['arm', 'optimizer', 'unit 0', 'unit 1']
    candidate = Candidate('bare', 'lion', (0.25, 0.5))
    assert candidates.of_joint(np.array(candidates.in_joint(candidate))) == candidate
    assert candidates.of_joint(np.array([0.0, 0.0, 0.25, 0.9])) == Candidate('base', 'adamw', (0.25,))
    assert candidates.in_joint(Candidate('base', 'adamw', (1.0,))) == pytest.approx([1 / 6, 1 / 4, 1 - 1e-4, 0.5])
    alone = Candidates(dataclasses.replace(STUDY, arms={'base': ()}, tune={'sgd': SPACES['sgd']}), STUDY.tasks[0])
    assert list(alone.joint) == ['unit 0', 'unit 1'] and alone.start == Candidate('base', 'sgd', (0.5, 0.5))
    trial = alone.trial(alone.start, 2, 7, TUNING, 'search_1')
    assert (trial.replicate, trial.seed, trial.held, trial.phase) == (2, 7, TUNING, 'search_1')
    assert dict(trial.knobs)['lr'] == SPACES['sgd']['lr'].value(0.5)


def test_a_tuned_batch_is_trained_as_any_study_trains_it():
    study = dataclasses.replace(STUDY, tune={'sgd': {'lr': SPACE['lr'], 'batch': choice(32, 128)}})
    candidates = Candidates(study, study.tasks[0])
    small, large = (candidates.trial(Candidate('base', 'sgd', (0.5, unit)), 0, 1, TUNING, 'search_1') for unit in (0.1, 0.9))
    known = next(one.program for one in schedule(study, {}, {}).trials if one.arm == 'base' and one.program.batch == 32)
    assert (small.program, small.program.batch, large.program.batch) == (known, 32, 128)
    assert small.program.steps * 32 == large.program.steps * 128


def test_an_arm_whose_runs_all_diverged_is_left_out_by_the_lab():
    candidates = Candidates(STUDY, STUDY.tasks[0])
    searcher = SEARCHERS['lab'](candidates, 60, 2, 0)
    tuned = searcher.propose([])
    seen = [(one, -math.inf if one.candidate.arm == 'bare' else -sum(one.candidate.units)) for one in tuned]
    confirmed = searcher.propose(seen)
    assert [one.candidate.arm for one in confirmed] == ['base', 'base', 'base', 'base', 'rms', 'rms']
    assert {one.held for one in confirmed} == {TEST} and {one.held for one in tuned} == {TUNING}
    assert confirmed[0].candidate == candidates.start == confirmed[1].candidate
    seen += list(zip(confirmed, [0.1, 0.3, 0.5, -math.inf, 0.6, 0.8], strict=True))
    assert searcher.propose(seen) == []
    candidate, claimed = searcher.ending(seen)
    assert candidate == confirmed[4].candidate and claimed == pytest.approx(0.7 - 0.2)
    assert Proposal(candidate) != Proposal(candidate, TEST)
    better = [*seen[: len(tuned)], *zip(confirmed, [0.1, 0.3, 0.9, 0.8, 0.6, 0.8], strict=True)]
    candidate, claimed = searcher.ending(better)
    assert candidate == confirmed[2].candidate and claimed == pytest.approx(0.85 - 0.2)


def test_a_run_of_a_comparison_goes_on_where_it_was(tmp_path):
    """Through the run's own packs and records; a second call finds nothing to do."""
    comparison = Comparison(STUDY, ('greedy', 'lab'), runs=40, replicates=2, seeds=2)

    class Counting(MadeUp):
        trained: ClassVar[list[str]] = []

        def submit(self, orders: list) -> None:
            super().submit(orders)
            self.trained += [trial.id for order in orders for trial in Pack.from_dict(order.command['pack']).trials]

    def run() -> object:
        return Run(STUDY, tmp_path / 'runs', Counting(STUDY, PEAK), Silent(), plan=comparison.schedule)()

    outcome = run()
    assert outcome.schedule.complete and not outcome.failures
    records, skipped = read_folder(tmp_path / 'runs', STUDY.name)
    assert not skipped and set(records) == {trial.id for trial in outcome.schedule.trials}
    assert len(comparison.searched(records)) == 4
    # No trial is in two packs: a step of a search does not train the steps before it again.
    assert sorted(Counting.trained) == sorted(records)
    assert sum(outcome.manifest['test_reads'].values()) == sum(record['held'] == TEST for record in records.values())
    assert run().records == outcome.records and len(Counting.trained) == len(records)


def test_confirmations_that_diverged_count_as_chance_and_are_counted():
    comparison, schedule, records = finished(PEAK)
    assert {one.diverged for one in comparison.searched(records)} == {0}
    (first, *_) = [trial for trial in schedule.trials if (trial.phase, trial.replicate) == ('confirm_greedy', 1)]
    own = {**records, first.id: {**records[first.id], 'status': 'diverged', 'score': None}}
    told = {(one.searcher, one.replicate): one for one in comparison.searched(own)}
    assert {key: one.diverged for key, one in told.items() if one.diverged} == {('greedy', 1): 1}
    assert told['greedy', 1].chosen[0] == -1.0 and min(told['greedy', 1].chosen[1:]) > -1.0


def test_a_run_that_failed_is_no_score():
    comparison, schedule, records = finished(PEAK)
    lost = next(trial for trial in schedule.trials if trial.phase == 'search_1')
    own = {**records, lost.id: {**records[lost.id], 'status': 'failed', 'score': None}}
    left = comparison.searched(own)
    planned = comparison.schedule(STUDY, own, {})
    assert len(left) == comparison.searches - 1 == 11 and (planned.complete, planned.look) == (False, 0)
    of_start = next(trial for trial in schedule.trials if trial.phase == STARTED)
    own = {**records, of_start.id: {**records[of_start.id], 'status': 'failed', 'score': None}}
    assert {one.replicate for one in comparison.searched(own)} == {1, 2}


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'searchers': ('greedy', 'bays')}, "searchers 'bays'; allowed: .*'lab'.*Did you mean 'bayes'"),
        ({'searchers': ()}, "searchers ''; allowed: one or more of"),
        ({'searchers': ('lab', 'lab')}, "searchers 'lab,lab'; allowed: one or more of .* each once"),
        ({'runs': 10}, "runs=10 for the searcher 'lab' with 3 arms and 2 optimizers; allowed: from 40; give more runs"),
        ({'runs': 1}, 'runs=1; allowed: a whole number from 2 to 100,000'),
        ({'runs': 100_001}, 'runs=100001; allowed: a whole number from 2 to 100,000'),
        ({'replicates': 1001}, 'replicates=1001; allowed: a whole number from 2 to 1,000'),
        ({'seeds': 0}, 'seeds=0; allowed: a whole number from 1 to 1,000'),
        ({'runs': 39}, 'runs=39 for the searcher .* allowed: from 40'),
        ({'runs': 2.0}, 'runs=2.0; allowed: a whole number from 2 to 100,000'),
        ({'replicates': 1}, 'replicates=1; allowed: a whole number from 2 to 1,000'),
        ({'seeds': True}, 'seeds=True; allowed: a whole number from 1'),
    ],
)
def test_bad_comparisons_are_refused(given: dict, said: str):
    with pytest.raises(ValueError, match=said):
        Comparison(STUDY, **given)


def test_matched_compute_is_refused():
    with pytest.raises(ValueError, match="budget='compute': a search trains every arm for the steps of its task; allowed"):
        Comparison(dataclasses.replace(STUDY, budget='compute'))


def test_bounds_of_a_comparison_are_allowed_themselves():
    own = Comparison(STUDY, ('greedy', 'lab'), runs=40, replicates=1000, seeds=4)
    assert own.searches == 2 * 1000 and own.expected == {'digits': 1000 * (2 * (40 + 4) + 4)}
    Comparison(STUDY, ('random',), runs=2, replicates=2, seeds=1)
