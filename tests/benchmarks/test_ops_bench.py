"""The benchmark of operations, on one tiny case."""

import dataclasses
import json

import jax.numpy as jnp
import pytest

from archlab import BAD_INPUT, FINE, main
from benchmarks import ops, timing
from benchmarks.ops import Case, cases, lines, measure

TINY = Case('double', '2 x 3', ((2, 3),), {'sum': lambda x: x + x, 'product': lambda x: 2 * x}, 'sum', {'sum': 0.5})


def test_every_case_takes_one_of_its_forms():
    made = cases()
    assert {'product', 'gelu', 'layer_norm', 'rms_norm', 'softmax', 'depthwise'} <= {case.operation for case in made}
    assert all(case.taken in case.forms and len(case.forms) > 1 for case in made)
    assert len({(case.operation, case.size) for case in made}) == len(made)


def test_the_command_measures_writes_and_prints(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ops, 'cases', lambda: [TINY])
    monkeypatch.setattr(ops, 'machine', lambda rounds: {'processor': 'abacus', 'cores': 1, 'load': 0.0, 'peak_gflops': 1.0})
    out = tmp_path / 'ops.json'
    assert main(['bench', 'ops', '--rounds', '2', '--out', str(out)]) == FINE
    printed = capsys.readouterr().out
    assert 'abacus' in printed and '  * sum' in printed and '    product' in printed and 'expected 0.500' in printed
    (case,) = json.loads(out.read_text())['cases']
    assert case['taken'] == 'sum' and set(case['forms']) == {'sum', 'product'} and case['fastest'] in case['forms']
    for form in case['forms'].values():
        for ms in (form['cpu_ms'], form['wall_ms']):
            assert 0 <= ms['least'] <= ms['median'] <= ms['greatest']
    assert lines(json.loads(out.read_text())) == printed.splitlines()


def test_times_are_milliseconds_of_one_call(monkeypatch):
    seconds = iter([(0.002, 0.001), (0.004, 0.003), (0.006, 0.008)])
    monkeypatch.setattr(timing, 'spent', lambda *_: next(seconds))
    monkeypatch.setattr(timing, 'repeats_for', lambda _: 1)
    (one,) = timing.in_turns({'sum': lambda x: x + x}, [jnp.ones(3)], 3).values()
    assert [dataclasses.astuple(part) for part in (one.cpu_ms, one.wall_ms)] == [(4.0, 2.0, 6.0), (3.0, 1.0, 8.0)]


def test_forms_that_disagree_are_an_error():
    wrong = Case('double', '3', ((3,),), {'sum': lambda x: x + x, 'product': lambda x: jnp.float32(2.1) * x}, 'sum')
    with pytest.raises(ValueError, match=r"form 'product' gives numbers that are 5.*e-02 from those of 'sum'; allowed: 0.0001"):
        measure(wrong, rounds=1)


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        (['--only', 'waltz'], "--only 'waltz'; allowed: ['product', 'gelu'"),
        (['--out', '.'], "--out '.' is a folder; give the name of a file"),
    ],
)
def test_bad_requests_are_refused(given, said, capsys):
    assert main(['bench', 'ops', *given]) == BAD_INPUT
    assert said in capsys.readouterr().err
