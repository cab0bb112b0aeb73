"""Progress: what a run shows on a terminal and elsewhere."""

import dataclasses
import io
import re

import pytest
from rich.console import Console

import sweeps.progress
from ablations.studies import STUDIES
from ablations.study import Study
from ablations.trial import TEST
from sweeps.progress import Watch, best_scores, clock, expected_trials
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate, simulated_record
from sweeps.time_left import TimeLeft
from sweeps.training.record import describe

STUDY = STUDIES['quickstart']


def shown(terminal: bool) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=100)
    with Watch(STUDY, console) as watch:
        watch.said -= 100  # as if nothing had been said for long
        watch.note('checking every model of the study')
        planned = schedule(STUDY, {}, {})
        watch.scheduled(planned, {}, {})
        item = pack(STUDY, planned.trials, {})[0]
        watch.started(item)
        watch.said -= 100
        watch.finished(item, [{**describe(t), **simulated_record(STUDY, World(), t, 0)} for t in item.trials])
        watch.started(item)
        watch.tick()
    return screen.getvalue()


def test_both_show_trials_packs_lanes_time_and_the_best():
    said = ('checking every model', 'trials', '1 packs done', '1 running (6 lanes)', 'left', 'best tuning score so far')
    for terminal in (True, False):
        text = ' '.join(shown(terminal).split())
        for words in said:
            assert words in text, (terminal, words)


TOOK, COMPILED, WORKERS = 2.0, 30.0, 2


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def told_by_a_run(monkeypatch, study: Study, queue: bool) -> tuple[list[tuple[float, str]], float]:
    """What a run of two workers says of its time left, by its age, and how long it took; each program is compiled once."""
    clock, screen = Clock(), io.StringIO()
    monkeypatch.setattr(sweeps.progress, 'time', clock)
    planned, records = simulate(study, World(), 0)
    left, said, at_work, compiled, done = pack(study, planned.trials, {}), [], {}, set(), {}
    # The search for the best recipe comes first, as in a run.
    left.sort(key=lambda item: item.held == TEST)
    with Watch(study, Console(file=screen, width=400), queue) as watch:
        watch.scheduled(planned, {}, {})
        clock.now = 12.0
        while left or at_work:
            while left and len(at_work) < WORKERS:
                item = left.pop(0)
                watch.started(item)
                extra = 0.0 if item.program.signature in compiled else COMPILED
                at_work[clock.now + extra + TOOK * len(item.trials), item.id] = item, extra
                compiled.add(item.program.signature)
            ended, key = min(at_work)
            item, extra = at_work.pop((ended, key))
            clock.now = ended
            seconds = [extra * (lane == 0) + TOOK for lane in range(len(item.trials))]
            fresh = [
                {
                    **describe(trial),
                    **records[trial.id],
                    'cost': {'seconds': spent},
                    'pack': {'lane': lane, 'compile_seconds': extra, 'strategy': 'loop', 'lanes': len(item.trials)},
                }
                for lane, (trial, spent) in enumerate(zip(item.trials, seconds, strict=True))
            ]
            watch.finished(item, fresh)
            done |= {one['id']: one for one in fresh}
            watch.scheduled(planned, done, {})
            said.append((clock.now, watch._counts().split(', ')[-1]))
    return said, clock.now


@pytest.mark.parametrize('queue', [False, True])
def test_the_time_left_is_not_told_before_a_second_pack_of_a_program_and_then_is_about_right(monkeypatch, queue: bool):
    study = dataclasses.replace(STUDY, trials=10, replicates=3, seeds=4, extension=0, looks=())
    said, took = told_by_a_run(monkeypatch, study, queue)
    unknown = [when for when, words in said if words == 'time left not known yet']
    known = [(when, words) for when, words in said if words != 'time left not known yet']
    assert unknown == [when for when, _ in said[: len(unknown)]] and 0 < len(unknown) < len(said) / 3
    for when, words in known:
        minutes, seconds = map(int, re.fullmatch(r'about (\d+) min (\d+) s left', words).groups())
        assert 60 * minutes + seconds == pytest.approx(took - when, rel=0.9 if queue else 0.5, abs=40), (when, words)


def test_tasks_that_have_not_begun_count_by_their_flops():
    clock = Clock()
    programs = [STUDY.program('layer_norm', task.name, 'adamw') for task in STUDY.tasks]
    first, other = STUDY.tasks
    costs = {'layer_norm': {first.name: {'flops': 1e9}, other.name: {'flops': 1e9}}}
    told = TimeLeft(programs)
    items = [item for item in pack(STUDY, schedule(STUDY, {}, {}).trials, {}) if item.program.arm == 'layer_norm']
    items = [item for item in items if item.program.task == first.name][:2]
    for item in items:
        told.started(item, clock.now)
        clock.now += 10.0
        about = {'cost': {'seconds': 10.0 / len(item.trials)}, 'pack': {'strategy': 'loop'}}
        told.finished(item, [about] * len(item.trials), clock.now)
    alone = told.seconds({first.name: 10}, costs, clock.now)
    both = told.seconds({first.name: 10, other.name: 10}, costs, clock.now)
    assert alone == pytest.approx(10 * 20 / sum(len(item.trials) for item in items))
    assert both == pytest.approx(alone * (1 + other.steps / first.steps), rel=1e-6)


def test_packs_that_fail_tell_nothing_of_the_time():
    told = TimeLeft([STUDY.program('layer_norm', task.name, 'adamw') for task in STUDY.tasks])
    item = pack(STUDY, schedule(STUDY, {}, {}).trials, {})[0]
    for now in range(3):
        told.started(item, float(now))
        told.finished(item, [{'cost': None}] * len(item.trials), now + 0.5)
    assert told.seconds({item.program.task: 5}, {}, 4.0) is None


def test_a_pack_that_takes_longer_than_it_should_has_not_done_the_rest():
    told = TimeLeft([STUDY.program('layer_norm', task.name, 'adamw') for task in STUDY.tasks])
    first, second, late = [
        item
        for item in pack(STUDY, schedule(STUDY, {}, {}).trials, {})
        if (item.program.arm, item.program.task) == ('layer_norm', STUDY.tasks[0].name)
    ][:3]
    for began, item in ((0.0, first), (10.0, second)):
        told.started(item, began)
        told.finished(item, [{'cost': {'seconds': 10.0 / len(item.trials)}}] * len(item.trials), began + 10.0)
    told.started(late, 20.0)
    left = {late.program.task: 3 * len(late.trials)}
    assert told.seconds(left, {}, 25.0) == pytest.approx(25.0)
    assert told.seconds(left, {}, 90.0) == pytest.approx(20.0)


def test_packs_that_another_run_has_committed_tell_nothing_of_how_many_are_at_work():
    told = TimeLeft([STUDY.program('layer_norm', task.name, 'adamw') for task in STUDY.tasks])
    item = pack(STUDY, schedule(STUDY, {}, {}).trials, {})[0]
    fresh = [{'cost': {'seconds': 2.0}}] * len(item.trials)
    for now in (1.0, 2.0):
        told.finished(item, fresh, now)
        assert told.seconds({item.program.task: 5}, {}, now) is None
    told.started(item, 3.0)
    told.finished(item, fresh, 3.0 + 2.0 * len(item.trials))
    assert told.seconds({item.program.task: 5}, {}, 3.0 + 2.0 * len(item.trials)) == pytest.approx(10.0)


def test_what_is_foreseen_is_never_less_than_what_is_scheduled():
    assert expected_trials(STUDY, schedule(STUDY, {}, {})) > len(schedule(STUDY, {}, {}).trials)
    planned, _ = simulate(STUDY, World(), 0)
    assert expected_trials(STUDY, planned) == len(planned.trials)


@pytest.mark.parametrize(
    'fields',
    [
        {},
        {'base_factor': 2},
        {'base_factor': 2, 'replicates': 3, 'looks': (1, 3)},
        {'recipe': 'same'},
        {'search': 'tpe', 'trials': 12},
        {'search': 'tpe', 'trials': 12, 'looks': (1, 2)},
    ],
    ids=str,
)
@pytest.mark.parametrize('cliff', [2.0, -9.0], ids=['fine', 'lost'])
def test_what_is_foreseen_at_the_start_is_what_comes_where_nothing_is_extended(fields, cliff):
    """Confirmations of what always diverges are foreseen and never come."""
    study = dataclasses.replace(STUDY, **{'trials': 8, 'replicates': 2, 'extension': 0, 'looks': (), **fields})
    planned, records = simulate(study, World(cliff=cliff), 0)
    foreseen, total = expected_trials(study, schedule(study, {}, {})), expected_trials(study, planned)
    assert total == len(planned.trials)
    assert foreseen == total if cliff > 0 else foreseen > total
    half = dict(list(records.items())[: len(records) // 2])
    assert total <= expected_trials(study, schedule(study, half, {})) <= foreseen


def test_extensions_that_are_decided_are_foreseen_for_later_looks():
    study = dataclasses.replace(STUDY, trials=8, replicates=4, looks=(2, 4))
    world = World(optimum=(1.3, 0.4), cliff=9.0, noise=0.01)
    planned, records = simulate(study, world, 0)
    assert all(planned.extended.values())
    early = {t.id: records[t.id] for t in planned.trials if t.replicate < 2}
    assert expected_trials(study, schedule(study, early, {})) == len(planned.trials)


def test_clock():
    assert [clock(7), clock(75), clock(3700)] == ['0 min 07 s', '1 min 15 s', '1 h 01 min']


def test_the_best_score_is_that_of_sound_tuning_runs_in_the_direction_of_the_task():
    study = Study(name='best', question='Which?', arms={'base': (), 'other': ()}, tasks=('digits', 'shapes', 'friedman'))
    signs = {task.name: task.sign for task in study.tasks}
    assert set(signs.values()) == {1, -1}
    records = [
        {'task': task, 'held': held, 'status': status, 'score': score}
        for task in ('friedman', 'digits', 'elsewhere')
        for held, status, score in (
            ('tuning', 'ok', 0.5),
            ('tuning', 'ok', 0.7),
            ('tuning', 'ok', 0.6),
            ('tuning', 'failed', None),
            ('tuning', 'diverged', 0.9),
            ('test', 'ok', 0.1 if signs.get(task) == -1 else 0.99),
        )
    ]
    best = best_scores(study, records)
    assert best == {'digits': 0.7, 'friedman': 0.5} and list(best) == ['digits', 'friedman']
    known = {'digits': 0.8, 'friedman': 0.6}
    assert best_scores(study, records, known) == {'digits': 0.8, 'friedman': 0.5} and known['friedman'] == 0.6


@pytest.mark.parametrize(
    ('seconds', 'told'),
    [
        (0, '0 min 00 s'),
        (59.4, '0 min 59 s'),
        (59.6, '1 min 00 s'),
        (3599, '59 min 59 s'),
        (3600, '1 h 00 min'),
        (90_061, '25 h 01 min'),
    ],
)
def test_times_are_rounded_to_seconds(seconds: float, told: str):
    assert clock(seconds) == told


@pytest.mark.parametrize('terminal', [True, False])
def test_a_live_display_is_refreshed_now_and_then_and_lines_only_after_a_while(monkeypatch: pytest.MonkeyPatch, terminal: bool):
    now, screen = [100.0], io.StringIO()
    monkeypatch.setattr(sweeps.progress.time, 'monotonic', lambda: now[0])
    wait = sweeps.progress.TICK_SECONDS if terminal else sweeps.progress.QUIET_SECONDS
    with Watch(STUDY, Console(file=screen, force_terminal=terminal, width=100)) as watch:
        shown, refresh = [], watch.tick if terminal else watch._show
        (watch.live or watch.console).__dict__['update' if terminal else 'print'] = lambda *text, **how: shown.append(text)
        now[0] += 100
        watch.tick()
        assert not shown, 'before a plan is known nothing is shown'
        watch.scheduled(schedule(STUDY, {}, {}), {}, {})
        assert len(shown) == 1
        now[0] += wait
        refresh()
        assert len(shown) == 1
        now[0] += wait / 2
        refresh()
        assert len(shown) == 2


def test_what_a_terminal_shows_line_by_line(monkeypatch: pytest.MonkeyPatch):
    now, screen = [100.0], io.StringIO()
    monkeypatch.setattr(sweeps.progress.time, 'monotonic', lambda: now[0])
    planned = schedule(STUDY, {}, {})
    item, count = pack(STUDY, planned.trials, {})[0], expected_trials(STUDY, planned)
    with Watch(STUDY, Console(file=screen, force_terminal=True, width=120)) as watch:

        def lines() -> list[str]:
            plain = Console(file=io.StringIO(), width=120)
            plain.print(watch.live.get_renderable())
            return [line.rstrip() for line in plain.file.getvalue().splitlines()]

        assert (watch.live.transient, watch.live.auto_refresh) == (True, False), 'it goes when the run ends'
        watch.note('checking')
        assert lines() == ['quickstart: checking']
        watch.scheduled(planned, {}, {})
        assert lines()[0].split() == ['quickstart', *f'0/{count} trials, 0 min 00 s gone, time left not known yet'.split()]
        watch.started(item)
        now[0] += 61
        watch._show()
        first, second = lines()
        assert first == f'quickstart {" " * 24} 0/{count} trials, 1 min 01 s gone, time left not known yet'
        assert second == f'0 packs done, 1 running ({len(item.trials)} lanes)'
        before = watch.left[item.program.task]
        watch.finished(item, [{'task': item.program.task, 'held': 'tuning', 'status': 'ok', 'score': 0.123456}])
        watch._show()
        first, second = lines()
        assert f' 1/{count} trials, ' in first and watch.left[item.program.task] == before - 1
        assert second == f'1 packs done, 0 running (0 lanes); best tuning score so far: {item.program.task} 0.1235'


def test_lines_elsewhere_are_plain_and_are_not_cut(monkeypatch: pytest.MonkeyPatch):
    now, screen = [100.0], io.StringIO()
    monkeypatch.setattr(sweeps.progress.time, 'monotonic', lambda: now[0])
    planned = schedule(STUDY, {}, {})
    with Watch(STUDY, Console(file=screen, force_terminal=False, color_system='truecolor', width=40)) as watch:
        watch.note('3 of 4')
        watch.tell('5 packs of which each takes "longer" than a line has room for')
        watch.scheduled(planned, {}, {})
        now[0] += 3600
        watch._show()
    gone = f'0/{expected_trials(STUDY, planned)} trials, 1 h 00 min gone, time left not known yet'
    assert screen.getvalue().splitlines() == [
        'quickstart: 3 of 4',
        'quickstart: 5 packs of which each takes "longer" than a line has room for',
        f'quickstart: {gone}; 0 packs done, 0 running (0 lanes)',
    ]


def test_packs_that_were_committed_before_a_plan_was_shown_are_taken_off_it():
    item = pack(STUDY, schedule(STUDY, {}, {}).trials, {})[0]
    with Watch(STUDY, Console(file=io.StringIO())) as watch:
        watch.finished(item, [{'task': item.program.task, 'held': 'tuning', 'status': 'ok', 'score': 0.5}] * 3)
        assert (watch.left, watch.done, watch.packs, watch.running) == ({item.program.task: -3}, 3, 1, {})
