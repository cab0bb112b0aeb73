"""The plane of abstraction: what stands beside what, in which unit, and what is refused."""

import dataclasses
import io
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ablations.tasks import task
from archlab.study_runs import open_study
from results.abstraction.coded import SHIPPED, Coded, key_of, read, written
from results.abstraction.place import Place, best_of_each, places
from results.abstraction.place_table import FORMATS, rows, terminal
from results.abstraction.plane import plane_figure
from results.store.reading import Reading

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / 'results' / 'published'
CODERS = read(SHIPPED)
BYTES = next(one for one in CODERS.values() if one.task == 'stdlib_bytes')
DOORS = next(one for one in CODERS.values() if one.task == 'doors_symbols')


@pytest.fixture(scope='module')
def reading() -> Reading:
    """The published quickstart, whose task stdlib_bytes is a language and whose digits are not."""
    return open_study('quickstart', PUBLISHED, remember=False).look


@pytest.fixture(scope='module')
def place(reading: Reading) -> Place:
    (made,), _ = places(reading, CODERS)
    return made


def test_a_place_has_the_bits_of_the_table_less_those_of_the_coder(reading: Reading, place: Place):
    table = json.loads((PUBLISHED / 'quickstart' / 'table.json').read_text())
    own = {row['arm']: row for row in table if row['task'] == 'stdlib_bytes'}
    row = own[place.arm]
    assert place.bits == pytest.approx(row['value'] / math.log(2), rel=1e-5)
    np.testing.assert_allclose(place.interval, np.array(row['interval']) / math.log(2), rtol=1e-5)
    assert place.base_bits == pytest.approx(row['base_value'] / math.log(2), rel=1e-5)
    assert place.over == pytest.approx(place.bits - BYTES.best) and place.floor_over is None
    np.testing.assert_allclose(np.subtract(place.interval, place.over_interval), BYTES.best)
    assert (place.study, place.task, place.base, place.replicates) == ('quickstart', 'stdlib_bytes', 'layer_norm', 3)


def test_the_arm_is_chosen_by_tuning_and_not_by_its_test_score(reading: Reading, place: Place):
    points = reading.schedule.selections
    expected = {arm: np.mean([points[arm, 'stdlib_bytes', r].score for r in range(3)]) for arm in reading.study.arms}
    assert place.arm == max(expected, key=expected.get) and place.tuned == pytest.approx(-max(expected.values()) / math.log(2))
    other = next(arm for arm in reading.study.arms if arm != place.arm)
    better = {
        key: dataclasses.replace(point, score=point.score + 9) if point and key[0] == other else point
        for key, point in points.items()
    }
    changed = dataclasses.replace(reading, schedule=dataclasses.replace(reading.schedule, selections=better))
    assert places(changed, CODERS)[0][0].arm == other


def test_what_cannot_be_placed_is_named(reading: Reading):
    _, lacking = places(reading, CODERS)
    assert lacking == ['quickstart, digits: accuracy is no number of bits']
    none, lacking = places(reading, {})
    assert (
        none == []
        and lacking[1] == f'quickstart, stdlib_bytes: no reference coder of its test examples ({BYTES.test}) is known'
    )
    elsewhere = dataclasses.replace(BYTES, test='0' * 16)
    assert places(reading, {(elsewhere.data, elsewhere.test): elsewhere})[0] == []
    unfinished = dataclasses.replace(reading, records={})
    assert places(unfinished, CODERS)[1][1] == 'quickstart, stdlib_bytes: nothing is confirmed yet'


def test_a_coder_in_another_unit_is_refused(reading: Reading):
    wrong = {(BYTES.data, BYTES.test): dataclasses.replace(BYTES, unit='bits per byte')}
    with pytest.raises(
        ValueError, match=r'its scores are in nats per byte, and the coder .* in bits per byte; measure it again'
    ):
        places(reading, wrong)


def test_the_shipped_coders_are_those_of_the_labs_tasks():
    asked = {one.task: one for one in CODERS.values()}
    assert {'balls_pixels', 'digits_pixels', 'stdlib_bytes', 'tiny_shakespeare_bytes', 'planets', 'protein_families'} <= set(
        asked
    )
    for name in ('balls_pixels', 'digits_pixels', 'stdlib_bytes', 'planets', 'zinc', 'tiny_shakespeare'):
        one = asked[name]
        assert one.data == key_of(task(name).data, '')[0] and one.unit == task(name).unit
        assert 0 < one.best * (1 / one.bits_per_byte) < task(name).chance
        assert one.floor is None or one.floor < one.best
    # The same worlds in a shorter writing: as many bits an event, or fewer, in fewer bytes.
    pixels, symbols = asked['balls_pixels'], asked['balls_symbols']
    assert pixels.floor / pixels.bits_per_byte == pytest.approx(symbols.floor / symbols.bits_per_byte, rel=1e-5)
    assert pixels.train_bytes == symbols.train_bytes * 25 // 4


def test_a_file_of_coders_is_read_as_written_and_grows(tmp_path: Path):
    path = tmp_path / 'coders.json'
    written(path, [BYTES, DOORS])
    assert read(path) == {(one.data, one.test): one for one in (BYTES, DOORS)}
    written(path, [dataclasses.replace(BYTES, best=1.5)])
    assert {one.task: one.best for one in read(path).values()} == {'stdlib_bytes': 1.5, 'doors_symbols': DOORS.best}


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('nothing', 'is no file of reference coders'),
        ('{"coders": [{"task": "a"}]}', 'is no file of reference coders'),
        ('[]', 'is no file of reference coders'),
        (json.dumps({'coders': [{**BYTES.to_dict(), 'best': -1}]}), 'best=-1; allowed: a number from 0 on'),
        (json.dumps({'coders': [{**BYTES.to_dict(), 'train_bytes': 0}]}), 'train_bytes=0; allowed: a number above 0'),
        (json.dumps({'coders': [{**BYTES.to_dict(), 'unit': None}]}), 'unit=None; allowed: a text'),
    ],
)
def test_a_damaged_file_is_refused_with_what_makes_it(tmp_path: Path, text: str, why: str):
    path = tmp_path / 'coders.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=f'{why}.*; it is made by: archlab data reference TASK --out {path}$'):
        read(path)
    path.unlink()
    with pytest.raises(
        ValueError, match=rf'^{path} cannot be read \(No such file or directory\); it is made by: archlab data '
    ):
        read(path)


def several(place: Place) -> list[Place]:
    """Two studies on one text, and one on a world with a floor."""
    worse = dataclasses.replace(place, study='other', tuned=place.tuned + 1, bits=place.bits + 1)
    door = dataclasses.replace(
        place, study='doors', task='doors_symbols', domain='worlds', bits=0.41, interval=None, coded=DOORS
    )
    return [worse, place, door]


def test_of_several_studies_on_the_same_data_the_best_by_tuning_is_marked(place: Place):
    worse, _, door = several(place)
    lucky = dataclasses.replace(worse, bits=0.1)
    assert best_of_each([lucky, place, door]) == [place, door]
    told = rows([worse, place, door])
    assert [(row[1], row[5]) for row in told] == [
        ('quickstart', f'{place.arm} *'),
        ('other', place.arm),
        ('doors', f'{place.arm} *'),
    ]
    assert told[2][6:] == ['0.410', '−0.015', '−0.031'] and told[1][7].startswith('+') and not told[1][6].startswith('+')
    assert '| doors_symbols | doors | 295k |' in FORMATS['md'](several(place))
    assert FORMATS['md'](several(place)).endswith('learns from the whole pool.\n')
    lines = FORMATS['csv'](several(place)).splitlines()
    assert len(lines) == 4 and {'over', 'over_interval_low', 'coder_best', 'floor_over'} <= set(lines[0].split(','))


def test_marks_stand_where_the_numbers_are(place: Place):
    figure = plane_figure(several(place))
    (axes,) = figure.axes
    (floor,) = [line for line in axes.get_children() if getattr(line, 'get_marker', str)() == '_']
    assert floor.get_ydata() == pytest.approx([DOORS.floor - DOORS.best], abs=1e-6)
    full = [line for line in axes.get_children() if getattr(line, 'get_zorder', int)() == 4]
    wanted = [[BYTES.train_bytes, place.over], [DOORS.train_bytes, 0.41 - DOORS.best]]
    np.testing.assert_allclose([[line.get_xdata()[0], line.get_ydata()[0]] for line in full], wanted, rtol=1e-4)
    names = [text for text in axes.texts if text.get_text()]
    assert [text.get_text() for text in names] == ['stdlib_bytes', 'doors_symbols']
    (legend,) = figure.legends
    assert axes.get_xlabel() == 'raw bytes that a replicate trains on (logarithmic)'
    assert axes.get_ylabel().startswith('bits per raw byte over the best coder made for the data\n')
    told = [place.domain, 'worlds', 'another study on the same data', 'nobody goes below']
    assert sorted(text.get_text() for text in legend.get_texts()) == sorted(told)
    with pytest.raises(ValueError, match='no places'):
        plane_figure([])


def test_names_of_near_marks_do_not_cover_each_other(place: Place):
    near = [
        dataclasses.replace(
            place, task=f'{name}_of_a_long_name', bits=place.bits + shift, coded=dataclasses.replace(BYTES, data=name)
        )
        for name, shift in {'first': 0.0, 'second': 0.01, 'third': 0.9}.items()
    ]
    figure = plane_figure(near)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_the_command_draws_and_tells(called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(ROOT)
    words = 'abstraction', 'quickstart', '--runs', PUBLISHED
    answer = json.loads(called(*words, '--out', tmp_path / 'figures', '--json').stdout)
    assert [one['task'] for one in answer['places']] == ['stdlib_bytes'] and len(answer['left_out']) == 1
    assert sorted(path.name for path in (tmp_path / 'figures').iterdir()) == [f'abstraction.{s}' for s in ('pdf', 'png', 'svg')]
    told = called(*words)
    assert 'stdlib_bytes: 262k training bytes; Kneser-Ney over the last 14 bytes needs 2.115' in told.stdout
    assert 'archlab: left out: quickstart, digits: accuracy is no number of bits' in told.stderr
    table = called(*words, '--format', 'md').stdout
    assert table.startswith('| task | study | training bytes |') and table == table.rstrip() + '\n'


def test_a_study_without_any_bits_is_refused(called: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    done = called('abstraction', 'docs/founding/which_model_wrote_this.py', '--runs', PUBLISHED)
    assert (
        done.returncode == 2 and 'no task can be placed: which_model_wrote_this, writers: accuracy is no number' in done.stderr
    )
    done = called('abstraction', 'quickstart', '--runs', PUBLISHED, '--format', 'pie')
    assert done.returncode == 2 and "format 'pie'; allowed: ['terminal', 'md', 'csv']" in done.stderr


def _commanded(page: str) -> list[str]:
    text = page.partition('    archlab abstraction ')[2].partition('\n\n')[0].replace('\\\n', ' ')
    words = text.split()
    return words[: words.index('--runs')]


@pytest.mark.slow
def test_the_page_shows_what_the_published_studies_say(called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(ROOT)
    page = (ROOT / 'docs' / 'abstraction.md').read_text(encoding='utf-8')
    done = called('abstraction', *_commanded(page), '--runs', PUBLISHED, '--out', tmp_path)
    assert done.returncode == 0, done.stderr
    drawn = ROOT / 'docs' / 'founding' / 'abstraction' / 'abstraction.svg'
    assert (tmp_path / 'abstraction.svg').read_bytes() == drawn.read_bytes()


def test_numbers_that_a_coder_lacks_are_refused():
    with pytest.raises(ValueError, match='floor=nan; allowed: a number from 0 on'):
        dataclasses.replace(DOORS, floor=math.nan)
    assert isinstance(Coded(**DOORS.to_dict()), Coded) and isinstance(CODERS, Mapping)


@pytest.mark.parametrize('name', ['bits_per_byte', 'train_bytes', 'pool_bytes', 'test_bytes', 'best', 'floor'])
@pytest.mark.parametrize('value', [math.inf, True, 'much', -0.5])
def test_every_number_of_a_coder_is_one(name: str, value: object):
    with pytest.raises(ValueError, match=f"{name}='?{value}'?; allowed: a number "):
        dataclasses.replace(DOORS, **{name: value})


def test_a_coder_may_need_nothing_and_learn_from_something():
    assert dataclasses.replace(DOORS, best=0, floor=0.0).best == 0 and dataclasses.replace(DOORS, floor=None).floor is None
    for name in ('bits_per_byte', 'train_bytes', 'pool_bytes', 'test_bytes'):
        with pytest.raises(ValueError, match=f'{name}=0; allowed: a number above 0'):
            dataclasses.replace(DOORS, **{name: 0})
    for name in ('task', 'data', 'test', 'unit', 'coder'):
        with pytest.raises(ValueError, match=f'{name}=3; allowed: a text'):
            dataclasses.replace(DOORS, **{name: 3})


def test_coders_stand_in_their_file_by_task_then_data(tmp_path: Path):
    path = tmp_path / 'coders.json'
    other = dataclasses.replace(BYTES, data='0', test='1')
    written(path, [BYTES, DOORS, other])
    entries = json.loads(path.read_text())['coders']
    assert [(one['task'], one['data']) for one in entries] == [(one.task, one.data) for one in (DOORS, other, BYTES)]
    assert entries[0]['bits_per_byte'] == DOORS.bits_per_byte
    assert path.read_text() == json.dumps({'coders': entries}, indent=1) + '\n'


@pytest.mark.parametrize('lost', ['an arm', 'the best arm', 'the base', 'all'])
def test_an_arm_without_a_sound_run_in_every_replicate_takes_no_part(reading: Reading, place: Place, lost: str):
    """The best of the others is told then, the base's bits are not known, or no arm is confirmed."""
    arms = {
        'an arm': {next(arm for arm in reading.study.arms if arm not in (place.arm, place.base))},
        'the best arm': {place.arm},
        'the base': {place.base},
        'all': {*reading.study.arms},
    }[lost]
    diverged = {
        key: {**record, 'status': 'diverged', 'score': None} if record['held'] == 'test' and record['arm'] in arms else record
        for key, record in reading.records.items()
        if not (record['task'] == 'stdlib_bytes' and record['held'] == 'test' and record['arm'] in arms and lost == 'all')
    }
    if lost == 'all':  # but one run of one replicate, so that the examples are known
        key, record = next((k, r) for k, r in reading.records.items() if r['task'] == 'stdlib_bytes' and r['held'] == 'test')
        diverged[key] = record
    made, lacking = places(dataclasses.replace(reading, records=diverged), CODERS)
    if lost == 'all':
        assert made == [] and lacking[1] == 'quickstart, stdlib_bytes: no arm is confirmed yet'
        return
    (one,) = made
    assert (one.arm == place.arm) == (place.arm not in arms) and (one.base_bits is None) == (place.base in arms)
    assert one.arm not in arms


def test_runs_on_other_test_examples_than_one_sort_are_not_placed(reading: Reading):
    key, record = next((k, r) for k, r in reading.records.items() if r['task'] == 'stdlib_bytes' and r['held'] == 'test')
    others = {digit * 16: {**record, 'checksum': digit * 16} for digit in '3120'}
    _, lacking = places(dataclasses.replace(reading, records={**reading.records, **others}), CODERS)
    known = ', '.join(sorted([*others, BYTES.test]))
    assert lacking[1].endswith(f'no reference coder of its test examples ({known}) is known')
    # What a run on other examples scored counts where it is sound, and on the test split.
    aside = {**reading.records, key: {**record, 'checksum': '0' * 16, 'status': 'diverged'}}
    assert 'no reference coder' not in ''.join(places(dataclasses.replace(reading, records=aside), CODERS)[1])


def test_a_score_where_higher_is_better_is_no_number_of_bits(reading: Reading):
    tasks = [dataclasses.replace(item, direction='higher') for item in reading.study.tasks]
    study = dataclasses.replace(reading.study, tasks=tuple(tasks))
    _, lacking = places(dataclasses.replace(reading, study=study), CODERS)
    assert lacking[1] == 'quickstart, stdlib_bytes: loss is no number of bits'


def test_the_screen_tells_what_is_known_of_each_data_once(place: Place):
    console = Console(width=150, file=io.StringIO())
    console.print(terminal(several(place)))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    heads = [line for line in lines if ' training bytes; ' in line]
    assert len(heads) == 2 and heads[0].endswith('needs 2.115') and heads[1].startswith('doors_symbols: 295k training bytes; ')
    assert heads[1].endswith('; nobody goes below −0.031 over it')
    assert sum('quickstart' in line or 'other' in line.split()[:1] for line in lines) == 2
    assert next(line.split() for line in lines if line.startswith('doors ')) == ['doors', place.arm, '*', '0.410', '−0.015']
    assert lines[1].split() == ['study', 'arm', 'bits', 'over']


def test_one_task_in_two_sizes_has_two_heads(place: Place):
    larger = dataclasses.replace(place, study='more', coded=dataclasses.replace(place.coded, data='f' * 16, train_bytes=10**9))
    console = Console(width=150, file=io.StringIO())
    console.print(terminal([place, larger]))
    lines = console.file.getvalue().splitlines()
    assert sum(' training bytes; ' in line for line in lines) == 2
    assert sum(line.split()[:1] == ['more'] for line in lines) == 1


def test_intervals_and_floors_are_drawn_where_they_are_known_and_fit(place: Place):
    def drawn(*some: Place) -> tuple:
        (axes,) = plane_figure(some).axes
        orders = [getattr(line, 'get_zorder', int)() for line in axes.get_children() if hasattr(line, 'get_xdata')]
        low, high = axes.get_ylim()
        return orders.count(3), orders.count(5), low, high

    worse, _, door = several(place)
    assert drawn(place)[:2] == (1, 0) and drawn(door)[:2] == (0, 1) and drawn(worse, place, door)[:2] == (1, 1)
    low, high = drawn(worse, place, door)[2:]
    ends = [*place.over_interval, *worse.over_interval, worse.over, door.floor_over, door.over, 0]
    assert low < min(ends) and high > max(ends)
    wide = dataclasses.replace(place, interval=(place.bits - 3, place.bits + 3))
    assert drawn(wide)[2] < wide.over_interval[0] and drawn(wide)[3] > wide.over_interval[1]


def test_the_room_beyond_what_is_drawn_is_a_small_part_of_it(place: Place):
    def room(spread: float) -> list[float]:
        (axes,) = plane_figure([dataclasses.replace(place, interval=(place.bits - spread, place.bits + spread))]).axes
        low, high = min(0.0, place.over - spread), max(0.0, place.over + spread)
        return [(low - axes.get_ylim()[0]) / (high - low), (axes.get_ylim()[1] - high) / (high - low)]

    for spread in (0.001, 0.3, 30.0):
        assert all(0.02 < part < 0.12 for part in room(spread)), spread
    (alone,) = plane_figure([dataclasses.replace(place, bits=BYTES.best, interval=None)]).axes
    assert alone.get_ylim() == pytest.approx((-0.1, 0.1)), 'where nothing has a height'
