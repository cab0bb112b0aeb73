"""Runs by launchers of all kinds: however orders are lost, late or carried out twice, a study ends in the same records."""

from collections import Counter
from pathlib import Path

import pytest
from made_up_launcher import Dying, Forgetful, InTheDark, Late, Losing, MadeUp, Poisoned, Silent
from made_up_runs import RECORDS, SCHEDULE, STUDY, WORLD, check, lines_of, run

from ablations.trial import TEST, Needs
from results.protocol import NOW
from sweeps.launch import LAUNCHERS, make_launcher
from sweeps.launch.launcher import Order
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.run import Run


def test_the_study_of_these_tests_has_all_phases():
    assert any(SCHEDULE.extended.values())
    assert {trial.phase for trial in SCHEDULE.trials} >= {'tune', 'extend_1', 'confirm', 'share'}


@pytest.mark.parametrize('kind', [MadeUp, InTheDark, Losing, Late, Forgetful])
def test_a_study_ends_in_the_same_records(kind: type[MadeUp], tmp_path: Path):
    launcher = kind(STUDY, WORLD)
    outcome = run(tmp_path, launcher)
    check(tmp_path, outcome)
    assert launcher.calls == ['close'] and outcome.manifest['protocol'] == NOW
    tries = Counter(launcher.submissions)
    packs = {item.id for item in pack(STUDY, SCHEDULE.trials, {})}
    assert set(tries) == packs
    assert set(tries.values()) <= {Losing: {3}, Late: {2}}.get(kind, {1})
    if kind is Late:
        assert False in launcher.won


def test_test_reads_are_counted_once_for_what_is_submitted_once(tmp_path: Path):
    outcome = run(tmp_path, MadeUp(STUDY, WORLD))
    reads = Counter(record['dataset'] for record in lines_of(tmp_path) if record['held'] == TEST)
    assert outcome.manifest['test_reads'] == dict(reads)


def test_what_is_lost_three_times_is_recorded_as_failed_with_its_log(tmp_path: Path):
    launcher = Poisoned(STUDY, WORLD)
    outcome = run(tmp_path, launcher)
    statuses = {arm: {r['status'] for r in outcome.records.values() if r['arm'] == arm} for arm in STUDY.arms}
    assert statuses['second'] == {'failed'}
    assert 'failed' not in statuses['base']
    lost = Counter(name for name in launcher.submissions if name in outcome.failures)
    assert set(lost.values()) == {3}
    for name, reason in outcome.failures.items():
        assert reason.startswith("arm 'second' on ")
        assert f'the worker ended 3 times with exit status 9; see {name}.log' in reason
    again = run(tmp_path, MadeUp(STUDY, WORLD), retry=True)
    assert again.schedule.complete
    assert not again.failures
    assert {key: record['score'] for key, record in again.records.items() if key in RECORDS} == {
        key: record['score'] for key, record in RECORDS.items() if key in again.records
    }


def test_a_worker_whose_log_says_that_memory_lacked_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Somebody else may have it, so that it is no result of the arm; with enough of it the study goes on."""
    monkeypatch.setattr(Poisoned, 'ended', lambda *_: "signal SIGABRT; x.log ends: terminate called after 'std::bad_alloc'")
    with pytest.raises(ValueError, match=r"memory is not enough for a lane of arm 'second' on '.*' \(the worker ended 3 times"):
        run(tmp_path, Poisoned(STUDY, WORLD))
    assert {(record['arm'], record['status']) for record in lines_of(tmp_path)} <= {('base', 'ok')}
    check(tmp_path, run(tmp_path, MadeUp(STUDY, WORLD)))


def test_a_launcher_that_dies_is_cancelled_and_the_next_goes_on(tmp_path: Path):
    launcher = Dying(STUDY, WORLD)
    with pytest.raises(ConnectionError):
        run(tmp_path, launcher)
    assert launcher.calls == ['cancel', 'close']
    before = {record['id'] for record in lines_of(tmp_path)}
    assert len(before) > 0
    following = MadeUp(STUDY, WORLD)
    check(tmp_path, run(tmp_path, following))
    assert not before & {
        trial.id for item in pack(STUDY, SCHEDULE.trials, {}) if item.id in following.submissions for trial in item.trials
    }


def test_a_finished_study_starts_no_worker(tmp_path: Path):
    run(tmp_path, MadeUp(STUDY, WORLD))
    launcher = MadeUp(STUDY, WORLD)
    launcher.preflight = None
    check(tmp_path, run(tmp_path, launcher))
    assert launcher.submissions == []


def test_a_pack_that_an_orphaned_worker_commits_is_not_trained_again(tmp_path: Path):
    """A worker that outlived its launcher commits a pack while the next run has it waiting."""
    orphan, commands = MadeUp(STUDY, WORLD), {}
    first = pack(STUDY, schedule(STUDY, {}, {}).trials, {})

    class OneAtATime(MadeUp):
        def choose(self, waiting: list[Needs]) -> list[int]:
            return [] if self.orders or not waiting else [len(waiting) - 1]

        def submit(self, orders: list[Order]) -> None:
            super().submit(orders)
            for order in orders:
                commands.setdefault(order.name, order.command)
            if orders and len(self.submissions) == 1:
                told = {**orders[0].command, 'pack': first[0].to_dict(), 'name': first[0].id, 'skip': []}
                assert orphan.carry_out(Order(first[0].id, first[0].program.needs, told))

    launcher = OneAtATime(STUDY, WORLD)
    check(tmp_path, run(tmp_path, launcher))
    assert first[0].id not in launcher.submissions
    assert len(commands) == len(launcher.submissions)


def test_a_refused_study_ends_the_run_and_closes_the_launcher(tmp_path: Path):
    class Refusing(MadeUp):
        def preflight(self, question: dict) -> dict:
            raise ValueError('no such block')

    launcher = Refusing(STUDY, WORLD)
    with pytest.raises(ValueError, match='no such block'):
        run(tmp_path, launcher)
    assert launcher.calls == ['cancel', 'close']


def test_launchers_have_names():
    assert set(LAUNCHERS) >= {'local'}
    with pytest.raises(ValueError, match=r"launcher 'locl'; allowed: \['local'.*Did you mean 'local'"):
        make_launcher('locl', Path('nowhere'))


@pytest.mark.parametrize('failing', ['cancel', 'close'])
def test_a_launcher_that_cannot_end_its_workers_does_not_hide_why_the_run_ended(tmp_path: Path, monkeypatch, failing: str):
    launcher = Dying(STUDY, WORLD)

    def gone() -> None:
        launcher.calls.append(failing)
        raise OSError('no scheduler')

    monkeypatch.setattr(launcher, failing, gone)
    with pytest.raises(ConnectionError, match='the cluster is gone'):
        Run(STUDY, tmp_path, launcher, Silent())()
    assert launcher.calls == ['cancel', 'close']
