"""Which programs the rules on lanes and on a scan compare, and with which numbers; the comparison itself is made up here."""

from types import SimpleNamespace

import numpy as np
import pytest

from arch.contracts import numbers
from arch.contracts.programs import Programs
from arch.probe import probe
from arch.shape_lines import shape_lines
from arch.sockets import TABLES

BAD = {'both': {(True, True), (False, True), (True, False)}, 'lanes': {(True, True), (False, True)}, 'nothing': set()}
"""What differs, as (in a scan, by lanes)."""


@pytest.mark.parametrize('family', [*numbers.SCANNED, 'head', 'position', 'body'])
@pytest.mark.parametrize('scans', [True, False])
@pytest.mark.parametrize('bad', BAD)
def test_both_rules_share_a_program_where_a_kind_is_scanned(family, scans, bad, monkeypatch):
    tried = []

    def differs(_: object, scanned: bool, mapped: bool) -> str:
        tried.append((scanned, mapped))
        return f'scanned={scanned} mapped={mapped}' * ((scanned, mapped) in BAD[bad])

    monkeypatch.setattr(numbers, '_differs', differs)
    programs = SimpleNamespace(block=SimpleNamespace(family=family, cls=SimpleNamespace(SCANS=scans)), notes={})
    told = numbers.lanes(programs), numbers.scan(programs)
    if family not in numbers.SCANNED or not scans:
        assert tried == [(False, True)] and told == ('scanned=False mapped=True' * (bad != 'nothing'), '')
    elif bad == 'nothing':
        assert tried == [(True, True)] and told == ('', '')
    else:
        assert tried == [(True, True), (False, True), (True, False)]
        assert told == ('scanned=False mapped=True', 'scanned=True mapped=False' * (bad == 'both'))


def test_what_a_users_class_raises_in_the_shared_program_is_left_to_each_rule(monkeypatch):
    def differs(_: object, scanned: bool, mapped: bool) -> str:
        if scanned and mapped:
            raise KeyError('no')
        return 'alone'

    monkeypatch.setattr(numbers, '_differs', differs)
    programs = SimpleNamespace(block=SimpleNamespace(family='norm', cls=SimpleNamespace(SCANS=True)), notes={})
    assert (numbers.lanes(programs), numbers.scan(programs)) == ('alone', 'alone')
    assert 'KeyError' in programs.notes['together']


def test_every_lane_of_every_layer_has_numbers_of_its_own():
    programs = Programs(probe('norm', 'batch_norm', TABLES, shape_lines(TABLES['norm']['batch_norm'])[0]))
    params, state, x, knobs, layers = numbers._lanes(programs)
    first, statistics = programs.start
    shares = np.array([[1.0, 5 / 6], [2 / 3, 0.5]])
    np.testing.assert_allclose(params['scale'], shares[..., None] * first['scale'], rtol=1e-6)
    assert (state['mean'] == statistics['mean']).all() and state['mean'].shape == (2, 2, *statistics['mean'].shape)
    assert x.shape == (2, 2, *programs.block.x().shape) and knobs == {}
    assert len({row.tobytes() for layer in x for row in layer}) == 4
    assert layers.tolist() == [[1, 1], [1, 1]] and layers.dtype == np.int32
    squashing = Programs(probe('norm', 'dynamic_tanh', TABLES, shape_lines(TABLES['norm']['dynamic_tanh'])[0]))
    knobs = numbers._lanes(squashing)[3]
    assert list(knobs) == ['alpha0', 'alpha0_mixer'] and knobs['alpha0'].dtype == np.float32
    np.testing.assert_allclose(knobs['alpha0'], shares / 4, rtol=1e-6)
