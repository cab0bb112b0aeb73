"""Launchers of a scheduler: how long a first worker is waited for, and what is said where it never answers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.trial import Needs
from sweeps.launch import order_files, queued
from sweeps.launch.launcher import Order
from sweeps.launch.queued import MOST_PENDING, PREFLIGHTS, QueuedLauncher


class Scripted(QueuedLauncher):
    """A scheduler of which each look sees what a test says: whether the worker lives, and then perhaps its answer."""

    pause = 5.0

    def __init__(self, folder: Path, looks: Callable[[int], bool | None], answers: dict[int, dict] | None = None):
        super().__init__(folder)
        self.looks, self.answers = looks, answers or {}
        self.patience, self.seen = 3.0, 0
        self.started, self.ends, self.waited = [], [], []
        self.why, self.by_hand, self.out = '', False, False

    def start(self, names: list[str]) -> None:
        self.started += names

    def living(self) -> set[str] | None:
        self.seen += 1
        if self.seen in self.answers:
            order_files.tell(self.folder, self.started[-1], self.answers[self.seen])
        alive = self.looks(self.seen)
        return None if alive is None else {self.started[-1]} if alive else set()

    def end(self, names: set[str]) -> None:
        self.ends += names

    def never(self, name: str) -> str:
        return super().never(name) + self.why

    def cancelled(self, name: str) -> bool:
        return self.by_hand

    def unseen(self, name: str) -> bool:
        return self.out


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    """A launcher whose waiting takes no time, and is written down."""

    def made(*given: object) -> Scripted:
        one = Scripted(tmp_path / 'run', *given)
        one.meanwhile = lambda: one.waited.append('meanwhile')
        monkeypatch.setattr(queued.time, 'sleep', one.waited.append)
        return one

    return made


@pytest.mark.parametrize('pause, wait', [(5.0, 1.0), (0.5, 0.5)])
def test_while_a_first_worker_is_waited_for_the_run_goes_on(launcher, pause: float, wait: float):
    one = launcher(lambda look: True, {3: {'platform': 'gpu'}})
    one.pause = pause
    assert one.preflight({'preflight': []}) == {'platform': 'gpu'}
    assert one.waited == [wait, 'meanwhile'] * 3 and len(one.started) == 1 and one.ends == []
    assert list((one.folder / order_files.FOLDER).iterdir()) == [], 'an order that was answered is cleared away'


@pytest.mark.parametrize(
    ('looks', 'answered', 'starts'),
    [
        (lambda look: False, 3, 1),  # in time: a shared folder lags
        (lambda look: False, 5, 2),  # the second worker does, after the first was given up
        (lambda look: look % 3 == 0, 20, 1),  # the scheduler did know it again
        (lambda look: None if look % 3 == 0 else False, 20, 1),  # nobody knows while it does not answer
    ],
)
def test_a_worker_that_is_forgotten_may_still_answer_for_a_while(launcher, looks: Callable, answered: int, starts: int):
    one = launcher(looks, {answered: {'platform': 'cpu'}})
    assert one.preflight({}) == {'platform': 'cpu'} and len(one.started) == starts


def test_a_worker_that_ends_without_an_answer_is_started_a_few_times(launcher):
    one = launcher(lambda look: False)
    with pytest.raises(ValueError, match='the first worker ended without an answer, with no exit status known'):
        one.preflight({})
    assert len({*one.started}) == PREFLIGHTS and one.seen == PREFLIGHTS * 4
    assert one.ends == []


def test_why_it_is_no_use_to_start_another(launcher):
    one = launcher(lambda look: False)
    one.out = True
    with pytest.raises(ValueError, match='ended without an answer'):
        one.preflight({})
    assert len(one.started) == one.seen == 1
    one = launcher(lambda look: False)
    one.by_hand = True
    with pytest.raises(ValueError, match='was taken out of the queue by hand; run again'):
        one.preflight({})
    assert len(one.started) == one.seen == 1
    one = launcher(lambda look: True)
    one.why = 'no such account'
    with pytest.raises(ValueError, match='the first worker does not start: no such account'):
        one.preflight({})
    assert one.ends == one.started, 'it is taken out of the queue'


def test_what_stops_the_waiting_takes_the_worker_out_of_the_queue(launcher):
    one = launcher(lambda look: True)

    def stop() -> None:
        raise KeyboardInterrupt

    one.meanwhile = stop
    with pytest.raises(KeyboardInterrupt):
        one.preflight({})
    assert one.ends == one.started and len(one.started) == 1


@pytest.mark.parametrize(
    ('pending', 'room', 'chosen'),
    [
        (None, True, 3),
        (0, True, 3),
        (MOST_PENDING // 2, True, 3),
        (MOST_PENDING // 2 + 1, False, 3),
        (MOST_PENDING - 1, False, 1),
        (MOST_PENDING, False, 0),
        (MOST_PENDING + 7, False, 0),
    ],
)
def test_a_queue_has_room_until_half_of_what_it_may_hold_waits(launcher, pending: int | None, room: bool, chosen: int):
    one = launcher(lambda look: True)
    one.pending = pending
    assert one.room() is room and one.choose([Needs('p', 'm')] * 3) == list(range(chosen))
    one.submit([])
    assert one.started == [] and one.pending == pending


def test_a_scheduler_that_does_not_say_why_lets_a_worker_wait(launcher):
    assert launcher(lambda look: True).never('a') == ''


def test_a_folder_that_nodes_do_not_see_is_told_with_what_to_do(launcher):
    one = launcher(bool)
    assert one.out_of_sight == (
        f'no sight of {one.folder}: the nodes do not see this folder; put it on a disk that they share (--runs)'
    )


def test_orders_are_known_until_they_are_no_longer_alive_and_are_all_ended_by_a_cancel(launcher):
    """Those that were carried out are cleared away, and their answers heard."""
    one = launcher(bool)
    order_files.prepare(one.folder)
    one.pending, one.living = 3, lambda: {'b', 'of another run'}
    one.submit([])
    assert one.started == [] and one.pending == 3
    one.submit([Order(name, Needs('p', 'm'), {'do': name}) for name in ('a', 'b', 'c')])
    assert one.started == ['a', 'b', 'c'] and one.orders == {'a', 'b', 'c'} and one.pending == 6
    assert order_files.read(one.folder, 'b') == {'do': 'b'}
    order_files.tell(one.folder, 'a', {'pack': 'a'})
    assert one.alive() == {'b', 'of another run'} and one.orders == {'b'}
    assert not order_files.place(one.folder, 'a', 'json').exists() and order_files.place(one.folder, 'c', 'json').exists()
    one.close()
    assert one.ends == []
    one.cancel()
    assert one.ends == ['b']
    one.living = lambda: None
    assert one.alive() is None
