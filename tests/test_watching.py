"""Watching: which statuses say how far studies are, when a line is worth saying, and how often somebody looks."""

import io
import types
from pathlib import Path

import pytest
from rich.live import Live

from archlab import live_pages, watching
from archlab.answers import AT_WORK, FELL_SHORT, FINE, LEFT_OFF, Terminal
from archlab.watching import LOOK_SECONDS, QUIET_SECONDS, Lookout, Seen, looks


def seen(name: str = 'norms', done: int = 0, running: int = 0, lost: int = 0, state: str = 'at work', **more: int) -> Seen:
    """A study as a look might find it."""
    standing = {'state': state, 'running': ['pack'] * running, 'lost': lost, 'expected': 9, 'over': state != 'at work'}
    counts = {'done': done, 'failed': 0, 'barren': [], **more}
    return Seen(types.SimpleNamespace(study=types.SimpleNamespace(name=name)), counts, standing)


@pytest.mark.parametrize(
    ('one', 'code'),
    [
        (seen(), AT_WORK),
        (seen(state='queued'), AT_WORK),
        (seen(state='stopped'), LEFT_OFF),
        (seen(state='stopped', failed=1), LEFT_OFF),
        (seen(state='complete'), FINE),
        (seen(state='complete', failed=1), FELL_SHORT),
        (seen(state='complete', barren=['an arm gave nothing']), FELL_SHORT),
    ],
)
def test_a_status_tells_scripts_how_far_a_study_is(one: Seen, code: int):
    assert one.code == code


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A clock that a test moves; waiting moves it too."""
    made = types.SimpleNamespace(now=100.0, slept=[])

    def sleep(seconds: float) -> None:
        made.slept.append(seconds)
        made.now += seconds

    monkeypatch.setattr(watching, 'monotonic', lambda: made.now)
    monkeypatch.setattr(watching, 'sleep', sleep)
    return made


def test_looks_go_on_until_all_studies_are_over_and_take_little_of_the_time(clock):
    left = {'norms': [seen(), seen(), seen(state='complete')], 'mixers': [seen(), seen(state='stopped'), seen(state='stopped')]}

    def look(name: str) -> Seen:
        clock.now += {3: 0.1, 2: 3.0, 1: 0.1}[len(left[name])]
        return left[name].pop(0)

    watched = {name: types.SimpleNamespace(look=lambda name=name: look(name)) for name in left}
    assert [{name: one.standing['state'] for name, one in told.items()} for told in looks(watched)] == [
        {'norms': 'at work', 'mixers': 'at work'},
        {'norms': 'at work', 'mixers': 'stopped'},
        {'norms': 'complete', 'mixers': 'stopped'},
    ]
    # Two looks of three seconds take a fifth of the time until the next ones.
    assert clock.slept == [LOOK_SECONDS, pytest.approx(24.0)]


def test_where_there_is_no_screen_a_line_is_said_where_something_has_changed_for_a_while(clock, monkeypatch, capsys):
    told = [
        (0, seen(done=0, running=1)),
        (QUIET_SECONDS + 1, seen(done=0, running=1)),  # as before
        (1, seen(done=1, running=1)),
        (1, seen(done=2, running=1)),  # too soon after the last line
        (QUIET_SECONDS - 1, seen(done=3, running=1)),  # not yet
        (0.5, seen(done=3, running=2)),
        (QUIET_SECONDS + 1, seen(done=3, running=2, lost=1)),
        (1, seen(done=9, state='complete')),
    ]

    def script(watched: object) -> object:
        for seconds, one in told:
            clock.now += seconds
            yield {'norms.py': one}

    monkeypatch.setattr(watching, 'looks', script)
    monkeypatch.setattr('results.status.sentence', lambda counts: f'{counts["done"]} done')
    work = '{running} run, {lost} lost, {state}'
    monkeypatch.setattr(
        'sweeps.board.sentence', lambda standing: work.format(**{**standing, 'running': len(standing['running'])})
    )
    last = watching._watch({})
    assert last == {'norms.py': told[-1][1]}
    assert capsys.readouterr().out.splitlines() == [
        'norms: 0/9 trials; 1 run, 0 lost, at work',
        'norms: 1/9 trials; 1 run, 0 lost, at work',
        'norms: 3/9 trials; 2 run, 0 lost, at work',
        'norms: 3/9 trials; 2 run, 1 lost, at work',
        'norms: 9 done',
    ]


def test_a_screen_shows_the_boards_of_each_look_and_in_the_end_a_line(monkeypatch):
    screen, asked = io.StringIO(), []
    told = [{name: seen(name, done=done) for name in ('norms', 'mixers')} for done in (3, 4)]
    told.append({'norms': seen(done=9, state='complete'), 'mixers': seen('mixers', done=5, state='stopped')})
    monkeypatch.setattr(watching, 'OUT', Terminal(file=screen, force_terminal=True, width=60))
    monkeypatch.setattr(watching, 'Live', lambda **how: asked.append(how) or Live(**how))
    monkeypatch.setattr(watching, 'looks', lambda watched: iter(told))
    monkeypatch.setattr('sweeps.board.board', lambda name, counts, standing: f'{name} {counts["done"]} {standing["state"]}')
    monkeypatch.setattr('sweeps.board.sentence', lambda standing: standing['state'])
    monkeypatch.setattr('results.status.sentence', lambda counts: f'{counts["done"]} done')
    assert watching._watch({}) == told[-1]
    assert asked == [{'console': watching.OUT, 'transient': True, 'auto_refresh': False}]
    shown = screen.getvalue()
    assert all(f'{name} {done} at work' in shown for name in ('norms', 'mixers') for done in (3, 4))
    assert shown.endswith('norms: 9 done\nmixers: 5 done\nmixers: stopped\n')


def test_only_who_watches_waits_for_a_run_that_has_begun(clock, monkeypatch):
    begun = [True, True, False]
    monkeypatch.setattr(watching, 'has_begun', lambda folder: begun.pop(0) if folder == Path('runs/norms') else None)
    monkeypatch.setattr(watching, 'study_name', lambda study, runs: study.removesuffix('.py'))
    monkeypatch.setattr(watching, 'open_study', lambda *given: given)
    assert Lookout('norms.py', Path('runs'), ['trials=8'], wait=True).runs == ('norms.py', Path('runs'), ['trials=8'])
    assert clock.slept == [LOOK_SECONDS] * 2 and begun == []
    begun.append(True)
    Lookout('norms.py', Path('runs'), None)
    assert len(clock.slept) == 2 and begun == [True]


def test_a_page_is_made_again_where_something_has_changed_and_reloaded_until_all_is_over(monkeypatch):
    runs = {name: types.SimpleNamespace(look=f'look {name}', findings=lambda name=name: f'findings {name}') for name in 'ab'}
    lookout, asked = types.SimpleNamespace(runs=None), []
    told = [('a', seen()), ('a', seen()), ('b', seen(done=1)), ('b', seen(state='complete')), ('b', seen(state='complete'))]

    def script(*given: object) -> object:
        asked.append(given)
        for name, one in told:
            lookout.runs = runs[name]
            yield {'norms': one}

    monkeypatch.setattr(live_pages, 'Lookout', lambda *given, **how: asked.append((given, how)) or lookout)
    monkeypatch.setattr(live_pages, 'looks', script)
    monkeypatch.setattr('results.rendering.page', lambda look, findings, refresh: (look, findings, refresh))
    pages = [('look a', 'findings a', 10), None, ('look b', 'findings b', 10), ('look b', 'findings b', None), None]
    made = list(live_pages.live_pages('norms', Path('there'), ['trials=8']))
    assert made == [(one, page) for (_, one), page in zip(told, pages, strict=True)]
    assert asked == [(('norms', Path('there'), ['trials=8']), {'wait': True}), ({'norms': lookout}, live_pages.LIVE_SECONDS)]


@pytest.mark.parametrize(
    ('codes', 'last'), [((AT_WORK, FINE), FINE), ((AT_WORK, LEFT_OFF), LEFT_OFF), ((FELL_SHORT,), FELL_SHORT)]
)
def test_a_live_report_ends_with_the_status_of_its_last_look(monkeypatch, called, tmp_path: Path, codes: tuple, last: int):
    pages = [*(f'<p>{number}</p>' for number in range(len(codes) - 1)), '<p>last</p>']

    def live_pages(study: str, runs: Path, settings: list[str] | None) -> object:
        assert (study, runs, settings) == ('norms', Path('there'), ['trials=8'])
        for code, page in zip(codes, pages, strict=True):
            yield types.SimpleNamespace(code=AT_WORK), page
            yield types.SimpleNamespace(code=code), None

    monkeypatch.setattr('archlab.live_pages.live_pages', live_pages)
    out = tmp_path / 'page.html'
    done = called('report', 'norms', '--runs', 'there', '--set', 'trials=8', '--live', '--out', out)
    assert (done.returncode, done.stdout.split()) == (last, [str(out)]) and out.read_text() == '<p>last</p>'
