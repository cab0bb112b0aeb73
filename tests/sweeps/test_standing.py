"""Standing: what anybody can tell of a run from its folder, while it runs, when it was killed, and in the end."""

import http.client
import io
import json
import os
import pty
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_launcher import Dying, Losing, MadeUp, Silent
from rich.console import Console

from ablations.study import Study, task
from archlab.opening import PageServer
from results.store.reading import Reading
from results.store.recorded import read_folder
from sweeps import journal, manifest, presence
from sweeps.board import board, sentence
from sweeps.forecast import work_left
from sweeps.launch.launcher import Order
from sweeps.pace import Pace
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World
from sweeps.run import Run
from sweeps.standing import COMPLETE, QUEUED, RUNNING, STOPPED, standing

STUDY = Study(
    name='stood',
    question='How does it stand?',
    arms={'base': (), 'second': ()},
    tasks=(task('digits', chance=-1.0), task('recall', chance=-1.0)),
    trials=2,
    extension=0,
    replicates=1,
    looks=(1,),
    seeds=1,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _a_machine_that_has_run_nothing(monkeypatch, tmp_path: Path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def reading(folder: Path) -> Reading:
    told, (records, _) = manifest.load(folder), read_folder(folder, STUDY.name)
    return Reading(STUDY, schedule(STUDY, records, told), records, told, folder)


def stand(folder: Path) -> dict:
    return standing(reading(folder))


class Watched(MadeUp):
    """Says of each order that it is being trained, as a worker does, and has the folder looked at meanwhile."""

    def __init__(self, *given: object):
        super().__init__(*given)
        self.seen: list[dict] = []

    def carry_out(self, order: Order) -> bool:
        folder, program = Path(order.command['folder']), order.command['pack']['program']
        about = {'pack': order.name, 'arm': program['arm'], 'task': program['task'], 'lanes': 2, 'device': 'abacus'}
        with presence.present(folder, order.name, **about):
            self.seen.append(stand(folder))
        return super().carry_out(order)


def test_a_run_is_told_while_it_goes_on(tmp_path: Path):
    launcher = Watched(STUDY, World())
    Run(STUDY, tmp_path, launcher, Silent())()
    first, last = launcher.seen[0], launcher.seen[-1]
    assert first['state'] == RUNNING and not first['over'] and first['run']['launcher'] == 'watched'
    (one,) = first['running']
    assert (one['pack'], one['arm'] in STUDY.arms, one['lanes'], one['device'], one['pid']) == (
        *(launcher.submissions[0], True, 2, 'abacus', os.getpid()),
    )
    # Two arms on two tasks, and one of these packs is at work.
    assert (first['waiting'], first['submitted'], first['lost'], first['best']) == (3, 3, 0, {})
    assert first['seconds_left'] > 0 and first['device_hours_foreseen'] > first['device_hours'] >= 0
    assert set(last['best']) == {'digits', 'recall'} and last['waiting'] < 3
    told = stand(tmp_path)
    assert (told['state'], told['over'], told['running'], told['waiting'], told['run']) == (COMPLETE, True, [], 0, None)
    assert told['seconds_left'] == 0 and told['device_hours'] == told['device_hours_foreseen']


def test_the_pace_hears_of_every_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heard = []
    monkeypatch.setattr(Pace, 'note', lambda self, program, flops, records: heard.extend(records))
    run = Run(STUDY, tmp_path, MadeUp(STUDY, World()), Silent())()
    assert sorted(record['id'] for record in heard) == sorted(run.records)


def test_best_scores_are_those_of_tuning(tmp_path: Path):
    run = Run(STUDY, tmp_path, MadeUp(STUDY, World()), Silent())()
    for one in STUDY.tasks:
        scores = [r['score'] for r in run.records.values() if r['task'] == one.name and r['held'] == 'tuning']
        assert stand(tmp_path)['best'][one.name] == (max if one.sign > 0 else min)(scores)


def test_losses_are_counted_with_their_time(tmp_path: Path):
    class Killed(Losing):
        def carry_out(self, order: Order) -> bool:
            if self.submissions.count(order.name) > 2:
                return super().carry_out(order)
            path = tmp_path / presence.FOLDER / f'{order.name}@node-1.json'
            path.write_text(json.dumps({'name': order.name, 'host': 'node', 'pid': 1, 'since': time.time() - 1800}))
            return False

    run = Run(STUDY, tmp_path, Killed(STUDY, World()), Silent())()
    packs, told = len({record['pack']['id'] for record in run.records.values()}), stand(tmp_path)
    assert (told['lost'], told['retried']) == (2 * packs, 2 * packs)
    assert told['device_hours'] == pytest.approx(packs, rel=1e-2)
    assert not list((tmp_path / presence.FOLDER).iterdir())


def test_a_run_that_ended_says_why_and_one_that_was_killed_does_not(tmp_path: Path):
    with pytest.raises(ConnectionError):
        Run(STUDY, tmp_path, Dying(STUDY, World()), Silent())()
    told = stand(tmp_path)
    assert (told['state'], told['over'], told['why'], told['seconds_left']) == (STOPPED, True, 'the cluster is gone', None)
    assert 'nobody is at work (the cluster is gone)' in sentence(told)
    lines = (tmp_path / journal.FILE).read_text().splitlines()
    (tmp_path / journal.FILE).write_text('\n'.join(lines[:-1]) + '\n')
    told = stand(tmp_path)
    assert (told['state'], told['over'], told['why']) == (STOPPED, False, '')
    # On a cluster with a queue what was submitted waits there, whatever became of the run.
    left = [item.id for item in work_left(reading(tmp_path), {}).packs]
    journal.note(tmp_path, 'began', host='node', pid=1, launcher='slurm', queue=True)
    journal.note(tmp_path, 'submitted', packs=left)
    journal.note(tmp_path, 'ended', why='it was stopped')
    told = stand(tmp_path)
    assert (told['state'], told['over'], told['submitted'], told['waiting']) == (QUEUED, False, *(len(left),) * 2)
    assert f'{told["submitted"]} packs may wait in the queue' in sentence(told)


def test_workers_of_other_packs_and_silent_ones_do_not_count(tmp_path: Path):
    Run(STUDY, tmp_path, MadeUp(STUDY, World()), Silent())()
    victim = sorted((tmp_path / 'records').iterdir())[0]
    victim.unlink()
    (tmp_path / presence.FOLDER).mkdir(exist_ok=True)
    for name, age in (('stranger', 0), (victim.stem, presence.SILENCE + 1)):
        path = tmp_path / presence.FOLDER / f'{name}@node-1.json'
        path.write_text(json.dumps({'name': name, 'host': 'node', 'pid': 1, 'since': 1.0}))
        os.utime(path, (time.time() - age,) * 2)
    told = stand(tmp_path)
    assert (told['state'], told['running'], told['waiting']) == (STOPPED, [], 1)


def test_a_board_shows_packs_and_where_they_run(tmp_path: Path):
    launcher = Watched(STUDY, World())
    Run(STUDY, tmp_path, launcher, Silent())()
    told = launcher.seen[-1]
    many = {**told, 'running': [{**told['running'][0], 'host': f'node{number}'} for number in range(20)]}
    screen = io.StringIO()
    Console(file=screen, width=100).print(board('stood', {'done': 3}, many))
    text, moved = ' '.join(screen.getvalue().split()), '20 packs running on 20 machines'
    for words in ('stood', '3/', 'node0 abacus', 'and 8 more', 'launcher watched', moved, 'device hours'):
        assert words in text, words
    assert told['running'][0]['arm'] in text


@pytest.fixture
def studied(tmp_path: Path) -> tuple[Path, Path]:
    """The file of the study, and a runs folder in which it is complete."""
    file = tmp_path / 'stood.py'
    file.write_text(
        'from ablations.study import Study, task\n'
        "study = Study(name='stood', question='How does it stand?', arms={'base': (), 'second': ()}, trials=2, extension=0,\n"
        "              tasks=(task('digits', chance=-1.0), task('recall', chance=-1.0)), replicates=1, looks=(1,), seeds=1)\n"
    )
    Run(STUDY, tmp_path / 'runs' / 'stood', MadeUp(STUDY, World()), Silent())()
    return file, tmp_path / 'runs'


def test_the_exit_status_tells_how_far_a_study_is(called: Callable, studied: tuple[Path, Path]):
    file, runs = studied
    folder, words = runs / 'stood', ('status', file, '--runs', runs)
    assert [called(*words, *more).returncode for more in ((), ('--exit-code',), ('--watch',))] == [0, 0, 0]
    (folder / 'records' / sorted(os.listdir(folder / 'records'))[-1]).unlink()
    for more, code in (((), 0), (('--exit-code',), 5), (('--watch',), 5), (('--exit-code', '--json'), 0)):
        assert called(*words, *more).returncode == code, more
    said = called(*words).stdout
    assert 'not complete' in said and 'nobody is at work' in said and '1 waiting' in said
    with presence.present(folder, presence.RUN, launcher='local'):
        assert called(*words, '--exit-code').returncode == 4
        work = json.loads(called(*words, '--json').stdout)['work']
        assert work['state'] == RUNNING and work['run']['pid'] == os.getpid()


def test_a_watch_goes_on_until_the_study_is_complete(called: Callable, studied: tuple[Path, Path], monkeypatch):
    """Somebody else goes on with a run that was killed, while it is watched."""
    file, runs = studied
    folder, looked = runs / 'stood', []
    (folder / 'records' / sorted(os.listdir(folder / 'records'))[-1]).unlink()
    journal.note(folder, 'began', host='elsewhere', pid=1, launcher='local', queue=False)

    def meanwhile(seconds: float) -> None:
        looked.append(seconds)
        if len(looked) == 2:
            Run(STUDY, folder, MadeUp(STUDY, World()), Silent())()

    monkeypatch.setattr('archlab.watching.sleep', meanwhile)
    done = called('status', file, '--runs', runs, '--watch')
    assert done.returncode == 0 and len(looked) == 2
    lines = done.stdout.splitlines()
    assert 'nobody is at work' in lines[0] and lines[-1].endswith('complete')
    assert not any('\x1b' in line for line in lines)


def test_a_run_that_has_just_begun_is_waited_for(called: Callable, studied: tuple[Path, Path], monkeypatch):
    """Who opens a second terminal at once asks before the models are checked."""
    file, runs = studied
    folder, slept = runs / 'stood', []
    (folder / manifest.FILE).rename(folder / 'aside')

    def checked(seconds: float) -> None:
        slept.append(seconds)
        (folder / 'aside').rename(folder / manifest.FILE)

    monkeypatch.setattr('archlab.watching.sleep', checked)
    with presence.present(folder, presence.RUN, launcher='local'):
        done = called('status', file, '--runs', runs)
        assert done.returncode == 2 and 'has begun and checks every model; look again soon' in done.stderr
        assert called('status', file, '--runs', runs, '--watch').returncode == 0 and len(slept) == 1
    (folder / manifest.FILE).unlink()
    done = called('status', file, '--runs', runs, '--watch')
    assert done.returncode == 2 and 'run it first' in done.stderr and len(slept) == 1


def test_a_watch_is_stopped_by_one_line(called: Callable, studied: tuple[Path, Path], monkeypatch):
    file, runs = studied
    (runs / 'stood' / 'records' / sorted(os.listdir(runs / 'stood' / 'records'))[-1]).unlink()
    journal.note(runs / 'stood', 'began', host='elsewhere', pid=1, launcher='local', queue=False)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr('archlab.watching.sleep', interrupt)
    done = called('status', file, '--runs', runs, '--watch')
    assert done.returncode == 130 and len(done.stderr.splitlines()) == 1 and 'stopped' in done.stderr


def test_a_live_report_is_written_again_until_the_study_is_complete(
    called: Callable, studied: tuple[Path, Path], monkeypatch, tmp_path: Path
):
    file, runs = studied
    folder, pages, page = runs / 'stood', [], tmp_path / 'page.html'
    (folder / 'records' / sorted(os.listdir(folder / 'records'))[-1]).unlink()
    journal.note(folder, 'began', host='elsewhere', pid=1, launcher='local', queue=False)
    monkeypatch.setattr('results.report.inline_figures.FIGURES', {})

    def meanwhile(seconds: float) -> None:
        pages.append((page.read_text(), page.stat().st_mtime_ns))
        if len(pages) == 3:
            Run(STUDY, folder, MadeUp(STUDY, World()), Silent())()

    monkeypatch.setattr('archlab.watching.sleep', meanwhile)
    done = called('report', file, '--runs', runs, '--out', page, '--live')
    assert (done.returncode, done.stdout.strip()) == (0, str(page)), done.stderr
    for text, _ in pages:
        assert '<title>stood (unfinished): archlab report</title>' in text and 'Unfinished: not all runs' in text
        assert '<meta http-equiv="refresh" content="10">' in text
    # The first page counts as a look, which the manifest then says; after that nothing has changed.
    assert pages[1][1] == pages[2][1]
    last = page.read_text()
    assert '<title>stood: archlab report</title>' in last and 'Unfinished' not in last and 'http-equiv="refresh"' not in last


def test_an_open_page_follows_the_study_until_it_is_stopped(called: Callable, studied: tuple[Path, Path], monkeypatch):
    file, runs = studied
    folder, pages, server = runs / 'stood', [], []
    (folder / 'records' / sorted(os.listdir(folder / 'records'))[-1]).unlink()
    journal.note(folder, 'began', host='elsewhere', pid=1, launcher='local', queue=False)
    monkeypatch.setattr('results.report.inline_figures.FIGURES', {})
    made = PageServer.__init__
    monkeypatch.setattr(PageServer, '__init__', lambda self, port: (made(self, port), server.append(self))[0])
    monkeypatch.setattr('archlab.opening._has_screen', lambda: False)

    def look() -> str:
        with urllib.request.urlopen(server[0].address) as answer:
            return answer.read().decode()

    def meanwhile(seconds: float) -> None:
        pages.append(look())
        Run(STUDY, folder, MadeUp(STUDY, World()), Silent())()

    def stop(seconds: float) -> None:
        pages.append(look())
        raise KeyboardInterrupt

    monkeypatch.setattr('archlab.watching.sleep', meanwhile)
    monkeypatch.setattr('archlab.opening.sleep', stop)
    done = called('open', file, '--runs', runs)
    assert (done.returncode, done.stderr) == (0, '') and done.stdout == f'stood: {server[0].address} (until Ctrl-C)\n'
    first, last = pages
    assert '<meta http-equiv="refresh" content="10">' in first and 'Unfinished' in first
    assert 'http-equiv="refresh"' not in last and 'Unfinished' not in last
    with pytest.raises(OSError, match='refused'):
        look()


def test_a_page_is_for_this_machine_and_reads_no_file():
    with PageServer(0) as server:
        server.page = b'the page'
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path: str = '/', method: str = 'GET', **headers: str) -> tuple[int, bytes]:
            link = http.client.HTTPConnection('127.0.0.1', server.server_port, timeout=10)
            link.request(method, path, headers=headers)
            answer = link.getresponse()
            return answer.status, answer.read()

        assert ask() == (200, b'the page') and ask(method='HEAD') == (200, b'')
        assert ask(Host=f'localhost:{server.server_port}')[0] == 200
        for given in ({'Host': 'elsewhere.example'}, {'path': '/etc/passwd'}, {'path': '/../'}, {'method': 'POST'}):
            status, said = ask(**given)
            assert status >= 400 and said != b'the page'
        server.shutdown()


@pytest.mark.parametrize('port', ['-1', '70000'])
def test_a_port_that_cannot_be_is_refused(called: Callable, studied: tuple[Path, Path], port: str):
    done = called('open', studied[0], '--runs', studied[1], '--port', port)
    assert done.returncode == 2 and f'--port {port}; allowed: 0 (any free one) to 65535' in done.stderr


def test_a_port_that_is_taken_is_refused(called: Callable, studied: tuple[Path, Path]):
    with PageServer(0) as server:
        done = called('open', studied[0], '--runs', studied[1], '--port', server.server_port)
        assert done.returncode == 2 and 'cannot be used (Address already in use); give another one' in done.stderr


def test_a_terminal_is_steered_by_the_display_alone():
    """A live display stands between the console and the stream; names of others still steer nothing."""
    program = (
        'import sys\nfrom rich.live import Live\nfrom rich.text import Text\nfrom archlab.answers import OUT, plain_output\n'
        'with plain_output(), Live(console=OUT, auto_refresh=False) as live:\n'
        '    live.update(Text("one\\ntwo"), refresh=True)\n    live.update(Text("three"), refresh=True)\n'
        '    print("\\x1b]0;steered\\x07", file=sys.stderr)\n    OUT.print("a\\x1b[31mb", highlight=False)\n'
    )
    own, its = pty.openpty()
    done = subprocess.run(
        [sys.executable, '-c', program], stdout=its, stderr=its, cwd=ROOT, env={**os.environ, 'TERM': 'xterm'}
    )
    said = os.read(own, 1 << 16).decode()
    os.close(its), os.close(own)
    assert done.returncode == 0, said
    assert 'one\r\ntwo\r\x1b[2K\x1b[1A' in said
    assert 'a\N{REPLACEMENT CHARACTER}[31mb' in said and '\x1b]0;' not in said
