"""Programs of lanes: at once, one after the other, or without lanes, as the strategy says, with the same numbers."""

from types import SimpleNamespace
from unittest import mock

import jax
import jax.numpy as jnp
import pytest

from sweeps.training import lane_programs
from sweeps.training.lane_programs import FUSIONS, LanePrograms, _once, _options, bytes_needed


@pytest.mark.parametrize('strategy, loops', [('vmap', 0), ('map', 1)])
def test_lanes_run_at_once_or_one_after_the_other(strategy, loops):
    lanes, shared = jnp.arange(6.0).reshape(3, 2), jnp.array([1.0, 10.0])
    one = LanePrograms._lanes(SimpleNamespace(strategy=strategy, layout=None), lambda own, same: (own * same).sum(), (0, None))
    assert one(lanes, shared).tolist() == [10.0, 32.0, 54.0]
    assert str(jax.make_jaxpr(one)(lanes, shared)).count('scan[') == loops


@pytest.mark.parametrize(
    ('platform', 'lanes', 'refused', 'given'),
    [
        ('cpu', True, None, FUSIONS),
        ('cpu', False, None, {}),
        ('gpu', True, None, {}),
        ('cpu', True, ValueError('no such option'), {}),
        ('cpu', True, jax.errors.JaxRuntimeError('no such option'), {}),
    ],
)
def test_an_option_is_given_to_the_compilers_that_know_it(monkeypatch, platform, lanes, refused, given):
    compiler = mock.MagicMock()
    compiler.return_value.lower.return_value.compile.side_effect = refused
    monkeypatch.setattr(lane_programs.jax, 'default_backend', lambda: platform)
    monkeypatch.setattr(lane_programs.jax, 'jit', compiler)
    assert _options.__wrapped__(lanes) == given


def test_without_lanes_a_function_stays_as_it_is():
    assert LanePrograms._lanes(SimpleNamespace(strategy='loop', layout=None), abs, (0,)) is abs


@pytest.mark.parametrize(
    ('platform', 'lanes', 'often', 'once'),
    [
        ('cpu', False, {}, {'xla_backend_optimization_level': 0}),
        ('cpu', True, FUSIONS, {**FUSIONS, 'xla_backend_optimization_level': 0}),
        ('gpu', True, {}, {}),
    ],
)
def test_what_runs_once_is_compiled_fast_on_a_processor(monkeypatch, platform: str, lanes: bool, often: dict, once: dict):
    monkeypatch.setattr(lane_programs.jax, 'default_backend', lambda: platform)
    monkeypatch.setattr(lane_programs, '_options', lambda lanes: often)
    assert _once(lanes) == once


@pytest.mark.parametrize(('strategy', 'streamed'), [('vmap', False), ('vmap', True), ('loop', False), ('map', True)])
def test_programs_are_made_of_the_functions_of_a_run(monkeypatch, strategy: str, streamed: bool):
    """What a step changes is given away to it, and batches have lanes where each lane has its own."""
    made = []
    names = ('draw', 'start', 'advance', 'view', 'evaluate')
    training = SimpleNamespace(**{name: name for name in names})
    monkeypatch.setattr(lane_programs, '_options', lambda lanes: {'often': lanes})
    monkeypatch.setattr(lane_programs, '_once', lambda lanes: {'once': lanes})
    monkeypatch.setattr(lane_programs.jax, 'jit', lambda function, **how: made.append((function, how)) or function)
    monkeypatch.setattr(LanePrograms, '_lanes', lambda self, function, axes: (function, axes))
    programs = LanePrograms(training, strategy, streamed)
    once, often = ({'compiler_options': {name: strategy == 'vmap'}} for name in ('once', 'often'))
    source = 0 if streamed else None
    assert made == [
        (('draw', (0, None)), once),
        (('start', (0, 0, 0, None)), once),
        (('advance', (0, 0, source, None, None, None)), {'donate_argnums': 1, **often}),
        (('view', (0, 0)), once),
        (('evaluate', (0, 0, 0, None)), often),
    ]
    assert [getattr(programs, name)[0] for name in names] == list(names)
    assert programs.placed({'seed': 1}) == {'seed': 1}
    spread = LanePrograms(
        training,
        strategy,
        streamed,
        SimpleNamespace(lanes=lambda lanes: ('spread', lanes), by_lane=lambda made: ('held', made)),
    )
    assert spread.placed({'seed': 1}) == ('spread', {'seed': 1}) and spread._spread(len)([1, 2]) == ('held', 2)


def test_the_memory_of_a_program_is_what_it_is_given_and_gives_and_what_lies_between():
    memory = SimpleNamespace(
        argument_size_in_bytes=1000, output_size_in_bytes=200, alias_size_in_bytes=150, temp_size_in_bytes=30
    )
    assert bytes_needed(SimpleNamespace(memory_analysis=lambda: memory)) == 1000 + 200 - 150 + 30
