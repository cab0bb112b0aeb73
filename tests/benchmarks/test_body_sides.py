"""Sides of a body: what each process is told and asked, in which order, and the whole of what is measured."""

import hashlib
import json
from pathlib import Path

import pytest

from benchmarks import bodies, body

MACHINE = {'processor': 'abacus', 'cores': 1, 'load': 0.0}
WALL = {'lab': 0.002, 'eager': 0.05, 'compiled': 0.00001}
"""Seconds of a step by side; its CPU seconds are half of that."""
FACTS = {'peak_gflops': 51.26, 'flops': 12_340_000, 'parameters': 7}
HIRED = []


class Hired:
    """A child that remembers what it was asked."""

    def __init__(self, place, core, given):
        self.place, self.core, self.given, self.asked, self.closed = place, core, given, [], False
        self.side = given.get('way', 'lab')
        HIRED.append(self)

    def send(self, method, **given):
        self.asked.append((method, given))

    def answer(self):
        method, given = self.asked[-1]
        steps = given.get('steps', 0)
        return {
            'share': None,
            'losses': {'losses': [2.0, 1.0 if self.side == 'lab' else 1.00005], 'compile_s': 1.26},
            'about': FACTS,
            'profile': {'products': 0.5, 'rest': 0.0},
            'train': [WALL[self.side] * steps / 2, WALL[self.side] * steps],
        }[method]

    def call(self, method, **given):
        self.send(method, **given)
        return self.answer()

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def hired(monkeypatch):
    monkeypatch.setattr(bodies, 'Child', Hired)
    monkeypatch.setattr(bodies, 'spare_cores', lambda: [3, 5])
    HIRED.clear()


def test_every_side_has_its_processes_on_the_same_cores_and_the_parameters_of_the_lab():
    sides = bodies.Sides('vit', {'depth': 3}, ['eager'], 3, {'a': 'config'})
    common = {'body': 'vit', 'sizes': {'depth': 3}, 'steps': bodies.STEPS, 'config': {'a': 'config'}}
    lab, torch = HIRED[:3], HIRED[3:]
    file = lab[0].asked[-1][1]['file']
    assert Path(file).parent == Path(sides.folder.name) and Path(file).parent.is_dir()
    for crew, place, given in (
        (lab, 'benchmarks.sides.lab:Lab', {}),
        (torch, 'benchmarks.sides.pytorch:Pytorch', {'file': file, 'way': 'eager'}),
    ):
        assert [(one.place, one.core, one.given) for one in crew] == [(place, core, {**common, **given}) for core in (3, 5, 3)]
        assert all(one.asked[0] == ('losses', {'first': bodies.FIRST}) for one in crew)
    assert [[method for method, _ in one.asked] for one in HIRED] == [
        *(['losses', 'about', 'share'], ['losses'], ['losses']),
        *(['losses', 'about'], ['losses'], ['losses']),
    ]
    sides.close()
    assert all(one.closed for one in HIRED) and not Path(file).parent.exists()


def test_a_side_that_cannot_begin_ends_all_of_them(monkeypatch):
    monkeypatch.setattr(bodies, 'AGREE', 1e-6)
    with pytest.raises(ValueError, match='the losses of eager'):
        bodies.Sides('vit', {}, ['eager'])
    assert len(HIRED) == 2 and all(one.closed for one in HIRED)


def test_measurements_last_about_as_long_as_was_asked():
    """Two steps are tried; a measurement has ten steps at least, and no more than the schedule."""
    sides = bodies.Sides('vit', {}, bodies.WAYS)
    assert sides.steps(0.05) == {'lab': 25, 'eager': 10, 'compiled': 100}
    assert [one.asked[-1] for one in HIRED] == [('train', {'steps': 2})] * 3
    assert sides.train({'lab': 25, 'eager': 10, 'compiled': 100}) == {
        'lab': pytest.approx((1.0, 2.0)),
        'eager': pytest.approx((25.0, 50.0)),
        'compiled': pytest.approx((0.005, 0.01)),
    }
    assert sides.profiles() == {side: {'products': 0.5, 'rest': 0.0} for side in ('lab', 'eager')}
    assert HIRED[0].asked[-1] == ('profile', {'steps': bodies.PROFILED})
    sides.close()


def test_all_that_is_measured_of_a_body():
    measured = bodies.measure('digits', {'depth': 3}, ['eager'], 1, 2, seconds=0.05)

    def side(cpu: float, wall: float, rate: float, share: float, apart: float) -> dict:
        return {
            'cpu_ms': dict.fromkeys(('median', 'least', 'greatest'), cpu),
            'wall_ms': dict.fromkeys(('median', 'least', 'greatest'), wall),
            **{'steps_per_cpu_second': rate, 'peak_gflops': 51.3, 'share_of_peak': share, 'compile_s': 1.3, 'apart': apart},
        }

    assert measured == {
        **{'body': 'digits', 'sizes': {'depth': 3}, 'batch': 64, 'parameters': 7, 'mflop_a_step': 12.3, 'losses': [2.0, 1.0]},
        'sides': {'lab': side(1.0, 2.0, 1000.0, 0.2407, 0.0), 'eager': side(25.0, 50.0, 40.0, 0.0096, 5e-5)},
        **{'best': 'eager', 'ratio': dict.fromkeys(('median', 'least', 'greatest'), 25.0)},
    }
    assert [method for method, _ in HIRED[0].asked] == ['losses', 'about', 'share', 'train', 'train', 'train']
    assert all(one.closed for one in HIRED)


def test_rates_and_shares_are_told_to_so_many_decimals(monkeypatch):
    monkeypatch.setitem(WALL, 'lab', 0.0033333)
    monkeypatch.setitem(FACTS, 'flops', 10**13)
    told = bodies.measure('digits', {}, ['eager'], 1, 1)
    assert told['sides']['lab']['steps_per_cpu_second'] == 600.01 and told['mflop_a_step'] == 10_000_000.0
    # 5,859,375 operations in 2^-10 seconds are 6 of 64 GFLOP/s, which lies between two numbers of four decimals.
    monkeypatch.setitem(WALL, 'lab', 2.0**-9)
    monkeypatch.setitem(FACTS, 'flops', 5_859_375)
    monkeypatch.setitem(FACTS, 'peak_gflops', 64.0)
    assert bodies.measure('digits', {}, ['eager'], 1, 1)['sides']['lab']['share_of_peak'] == 0.0938


def test_losses_may_be_as_far_apart_as_is_allowed(monkeypatch):
    monkeypatch.setattr(bodies, 'AGREE', 0.25)
    assert bodies.agreeing('vit', 'eager', [2.0, 4.0], [2.0, 3.0]) == 0.25


def test_sizes_are_of_one_body_and_a_name_is_looked_at_before_anything_is_measured(monkeypatch):
    monkeypatch.setattr(bodies, 'needs_torch', lambda command: asked.append(command))
    monkeypatch.setattr(bodies, 'machine', lambda rounds: MACHINE)
    monkeypatch.setattr(bodies, 'measure', lambda *given: list(given))
    asked, seen = [], []
    told = bodies.bench(2, ['vit'], {'depth': 2}, 3, ['eager'], True, lambda results: seen.append(len(results['bodies'])))
    assert told == {
        **{'machine': MACHINE, 'rounds': 2, 'processes': 3},
        'bodies': [['vit', {'depth': 2}, ['eager'], 3, 2, True]],
    }
    assert asked == ['archlab bench bodies'] and seen == [1]
    for only, sizes in ((['vit', 'vti'], {}), (['vit'], {'hight': 2})):
        with pytest.raises(ValueError, match='allowed'):
            bodies.bench(2, only, sizes, save=pytest.fail)


def test_a_body_may_have_a_config_of_its_own():
    own = body.body_of('digits', {'batch': 3}, {'stem': {'kind': 'mine'}})
    assert own.config == {'stem': {'kind': 'mine'}} and (own.name, own.batch) == ('digits', 3) and not own.tokens


def test_configs_that_published_numbers_are_of_stay_as_they_are():
    made = [body.body_of(name, {}) for name in body.BODIES]
    texts = {one.name: json.dumps(one.config, sort_keys=True) for one in made}
    assert {name: hashlib.sha256(text.encode()).hexdigest()[:12] for name, text in texts.items()} == {
        'digits': 'ba587dca16b1',
        'bytes': 'fd57367ec538',
        'vit': '4889199840d4',
        'decoder': 'ccc6dbdd45da',
        'convnext': '8afec2fdc3b2',
    }
