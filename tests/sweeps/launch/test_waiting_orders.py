"""Orders that wait: which comes first, what a run does meanwhile, and for what it does not wait."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest
from made_up_launcher import InTheDark, MadeUp, Silent
from made_up_runs import STUDY, WORLD, check, lines_of, run

from ablations.study import task
from ablations.trial import TEST, Needs
from sweeps.launch import LAUNCHERS
from sweeps.launch.launcher import Order
from sweeps.pace import Pace
from sweeps.run import Run
from sweeps.training.saving import Saving


@pytest.fixture(autouse=True)
def no_pace(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long this machine took for other tests says nothing here: under a load no pack would fit into a worker's life."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))


def test_a_launcher_that_cannot_know_is_waited_for(tmp_path: Path):
    class Idle(InTheDark):
        looks = 0

        def alive(self) -> None:
            self.looks += 1
            if self.looks % 7 == 0:
                super().alive()

    launcher = Idle(STUDY, WORLD)
    check(tmp_path, run(tmp_path, launcher))
    assert set(Counter(launcher.submissions).values()) == {1}


def test_a_worker_that_answers_after_it_committed_gets_the_next_pack_at_once(tmp_path: Path):
    """Also while another pack goes on for long: the run looks for room at every look, not when records appear."""

    class TwoWorkers(MadeUp):
        looks, held, free = 0, None, True

        def room(self) -> bool:
            return self.free

        def choose(self, waiting: list[Needs]) -> list[int]:
            return [*range(len(waiting))][: 2 - len(self.orders) - (self.held is not None)]

        def submit(self, orders: list[Order]) -> None:
            super().submit(orders)
            if self.held is None and self.orders:
                self.held = self.orders.pop(0)

        def alive(self) -> set[str]:
            self.looks += 1
            names = {order.name for order in (*self.orders, self.held) if order}
            # It commits, and is free again one look later.
            self.free = not self.orders
            while self.orders:
                self.carry_out(self.orders.pop())
            if self.held and self.looks > 30:
                self.carry_out(self.held)
                self.held = None
            if self.looks == 20:
                assert len(self.submissions) > 5, 'the second worker waited for the first'
            return names

    launcher = TwoWorkers(STUDY, WORLD)
    check(tmp_path, run(tmp_path, launcher))
    assert launcher.looks > 20


@pytest.mark.parametrize(
    ('usual', 'lifetime', 'given', 'seconds'),
    [
        (30, None, None, 1800),  # on a machine of one's own
        (10, None, None, 600),
        (10, 7200, None, 600),
        (10, 1200, None, 300),  # a quarter of a short time limit
        (10, 60, None, 15),
        (10, 1200, 2, 120),
        (10, 1200, 10, 600),
    ],
)
def test_checkpoints_are_made_several_times_in_the_life_of_a_worker(
    tmp_path: Path, usual: float, lifetime: float | None, given: float | None, seconds: float
):
    class Cluster(MadeUp):
        checkpoint_minutes, limit, told = usual, lifetime, []

        def submit(self, orders: list[Order]) -> None:
            self.told += [order.command['checkpoints'] for order in orders]
            super().submit(orders)

    launcher = Cluster(STUDY, WORLD)
    Run(STUDY, tmp_path, launcher, Silent(), saving=Saving(minutes=given))()
    assert launcher.told and all(one == {'seconds': seconds, 'steps': None} for one in launcher.told)


def test_minutes_that_would_let_a_worker_end_before_a_checkpoint_are_refused(tmp_path: Path):
    class Cluster(MadeUp):
        limit = 1200

    with pytest.raises(ValueError, match=r'--checkpoint-minutes 30: workers are ended after 20 minutes.*up to 10; .* for 5'):
        Run(STUDY, tmp_path, Cluster(STUDY, WORLD), Silent(), saving=Saving(minutes=30))()
    assert not any(tmp_path.iterdir())
    Saving(minutes=30, steps=100).on(10, 1200)
    assert [one.checkpoint_minutes for one in LAUNCHERS.values()] == [30, 10, 10], 'local, ray, slurm'


@pytest.mark.parametrize('saves', [True, False])
def test_a_pack_that_gets_on_between_its_losses_is_not_given_up(tmp_path: Path, saves: bool):
    """As under a time limit that is shorter than a pack: each worker leaves a checkpoint that is further on."""

    class TimeLimit(MadeUp):
        def carry_out(self, order: Order) -> bool:
            tries = self.submissions.count(order.name)
            if saves and tries < 6:
                (tmp_path / 'checkpoints' / f'{order.name}-of-these-sources' / str(tries)).mkdir(parents=True)
            return tries > 5 and super().carry_out(order)

    failures = run(tmp_path, TimeLimit(STUDY, WORLD)).failures
    assert bool(failures) is not saves


def test_what_a_person_cancelled_stays_out_of_the_queue_until_the_next_run(tmp_path: Path):
    """Also where another task goes on to its later phases meanwhile."""

    class ByHand(MadeUp):
        taken: str | None = None

        def carry_out(self, order: Order) -> bool:
            if self.taken is None and order.command['pack']['program']['task'] == 'recall':
                self.taken = order.name
            return order.name != self.taken and super().carry_out(order)

        def cancelled(self, name: str) -> bool:
            return name == self.taken

    launcher, told = ByHand(STUDY, WORLD), []

    class Listening(Silent):
        def tell(self, text: str) -> None:
            told.append(text)

    with pytest.raises(ValueError, match='1 packs were taken out of the queue by hand, and nothing else is left to do'):
        Run(STUDY, tmp_path, launcher, Listening())()
    assert launcher.submissions.count(launcher.taken) == 1 and any('by hand' in text for text in told)
    assert sum(line['task'] == 'digits' and line['held'] == TEST for line in lines_of(tmp_path)) > 0
    check(tmp_path, run(tmp_path, MadeUp(STUDY, WORLD)))


class Outliving(MadeUp):
    """A queue that outlives the run: the next one finds the orders that wait there."""

    queue: dict[str, Order] = {}
    outlives = True

    def submit(self, orders: list[Order]) -> None:
        super().submit(orders)
        self.queue.update({order.name: order for order in orders})

    def alive(self) -> set[str]:
        for name in list(self.queue)[:1]:
            self.carry_out(self.queue.pop(name))
        return set(self.queue)

    def cancel(self) -> None:
        self.calls.append('left alone')


@pytest.mark.parametrize('lost', [False, True])
def test_a_run_that_is_started_again_collects_before_it_asks_a_first_worker(tmp_path: Path, lost: bool):
    """And while it waits for that worker's answer, which may take as long as the queue is."""

    class Interrupted(Outliving):
        def alive(self) -> set[str]:
            if len(self.submissions) > 3:
                raise KeyboardInterrupt
            return super().alive()

    class Slow(Outliving):
        collected: list[int] = []

        def preflight(self, question: dict) -> dict:
            self.collected.append(len(lines_of(tmp_path)))
            for _ in range(100):
                self.meanwhile()
            self.collected.append(len(lines_of(tmp_path)))
            return super().preflight(question)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Interrupted(STUDY, WORLD))
    gone = {Outliving.queue.popitem()[0] for _ in range(lost)}
    there = set(Outliving.queue)
    assert len(there) > 3 - lost and not lines_of(tmp_path)
    again, Slow.collected = Slow(STUDY, WORLD), []
    check(tmp_path, run(tmp_path, again))
    first, last = again.collected
    assert not there & set(again.submissions) and gone <= set(again.submissions)
    # With nothing to submit a task is collected first; what is lost waits for the first worker, and the rest comes in then.
    assert (lost or first) and first < last == STUDY.trials // 2 * len(there)


def test_a_limit_that_is_shorter_than_a_pack_is_refused_before_anything_is_submitted(tmp_path: Path, monkeypatch):
    """Where it is known from earlier runs how long a pack takes."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))

    class Limited(MadeUp):
        limit = 10.0

    check(tmp_path / 'unknown', run(tmp_path / 'unknown', Limited(STUDY, WORLD)))
    pace = Pace.here('cpu')
    about = {'status': 'ok', 'cost': {'seconds': 28.0}, 'pack': {'compile_seconds': 5.0, 'lane': 1}}
    for one in STUDY.tasks:
        pace.note(STUDY.program('base', one.name, 'adamw'), 10, [about])
    pace.save()
    launcher = Limited(STUDY, WORLD)
    with pytest.raises(ValueError, match=r'--time: workers are ended after 0 min 10 s, and a pack .* about 1 min 01 s') as told:
        run(tmp_path / 'known', launcher)
    assert 'give --time 3 (minutes)' in str(told.value)
    assert launcher.submissions == []
    monkeypatch.setattr(Limited, 'limit', 61.0)
    check(tmp_path / 'known', run(tmp_path / 'known', Limited(STUDY, WORLD)))


@pytest.mark.parametrize('seconds', [0.0, 60.0])
def test_a_pack_that_is_carried_out_twice_is_not_waited_for_until_both_have_ended(tmp_path: Path, monkeypatch, seconds: float):
    """One that was given up has committed, and its order waits in the queue again: now and then all files are looked for."""
    monkeypatch.setattr('sweeps.run.LOOK_SECONDS', seconds)

    class Requeued(MadeUp):
        looks = 0
        waiting: list[str] = []

        def carry_out(self, order: Order) -> bool:
            self.waiting.append(order.name)
            return super().carry_out(order)

        def alive(self) -> set[str]:
            self.looks += 1
            names = super().alive() | set(self.waiting)
            if self.looks > 200:
                self.waiting.clear()
            return names

    launcher = Requeued(STUDY, WORLD)
    Requeued.waiting = []
    check(tmp_path, run(tmp_path, launcher))
    assert (launcher.looks < 200) is (seconds == 0)


def test_of_tasks_that_take_as_long_one_comes_before_the_other(tmp_path: Path):
    """So that one is through, and planned on, while workers have packs of the other."""
    alike = tuple(task('digits', name=name, dataset=name, chance=-1.0) for name in ('one', 'two'))
    study, order = dataclasses.replace(STUDY, tasks=alike, trials=20), []

    class Listening(MadeUp):
        def submit(self, orders: list[Order]) -> None:
            order.extend(one.command['pack']['program']['task'] for one in orders)
            super().submit(orders)

    Run(study, tmp_path, Listening(study, WORLD), Silent())()
    # A pack of sixteen and one of two for each arm.
    assert order[:8] == ['one'] * 4 + ['two'] * 4


def test_a_task_that_is_through_goes_on_while_another_still_runs(tmp_path: Path):
    """Plans are made when a task is through, not after each pack: here one task's packs are held back."""
    plans = []

    class Watching(Silent):
        def scheduled(self, planned, *_: object) -> None:
            plans.append({trial.phase for trial in planned.trials if trial.task == 'digits'})

    class Slow(MadeUp):
        def alive(self) -> set[str]:
            self.orders.sort(key=lambda order: order.command['pack']['program']['task'] == 'recall')
            return super().alive()

    Run(STUDY, tmp_path, Slow(STUDY, WORLD), Watching())()
    assert len(plans) <= 2 * 8 + 2
    assert any('confirm' in phases for phases in plans[:5])
