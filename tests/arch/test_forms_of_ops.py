"""Which form an operation takes at the sizes where one becomes faster than another; nothing is computed here."""

import importlib

import jax
import jax.numpy as jnp
import pytest

from arch.mixers.selective_state_space import CHUNK, selective_scan
from arch.ops.long_convolution import long_convolution
from arch.ops.lowering import lowering
from arch.ops.product import product
from arch.ops.shifts import _kernel_slope, _together

attend, attend_blocks, shifts = (importlib.import_module(f'arch.ops.{name}') for name in ('attend', 'attend_blocks', 'shifts'))


def zeros(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def program(run, *shapes: tuple[int, ...]) -> str:
    return str(jax.make_jaxpr(run)(*(zeros(*shape) for shape in shapes)))


@pytest.mark.parametrize(('form', 'length', 'masked'), [('auto', 31, 1), ('auto', 32, 0), ('reference', 31, 0)])
def test_attention_meets_neighbours_alone_where_they_are_a_sixteenth(form, length, masked, monkeypatch):
    whole, real = [], attend.attend
    monkeypatch.setattr(attend, 'attend', lambda *given: whole.append(1) or real(*given))
    with lowering(form):
        part = zeros(1, length, 1, 2)
        y = jax.eval_shape(lambda q, k, v: attend.attend_near(q, k, v, (length,), 1, True), part, part, part)
    assert len(whole) == masked and y.shape == part.shape


@pytest.mark.parametrize(
    ('form', 'length', 'biased', 'gathered'),
    [('auto', 31, False, 0), ('auto', 32, False, 2), ('reference', 31, False, 2), ('auto', 32, True, 0)],
)
def test_attention_gathers_blocks_where_they_are_a_sixteenth(form, length, biased, gathered, monkeypatch):
    cut, real = [], attend_blocks.blocks_of
    monkeypatch.setattr(attend_blocks, 'blocks_of', lambda *given: cut.append(given[1]) or real(*given))
    part, bias = zeros(1, length, 1, 2), zeros(1, length, length) if biased else None
    chosen = jax.ShapeDtypeStruct((1, 1, length, 1), jnp.int32)
    with lowering(form):
        run = lambda q, k, v, chosen, bias: attend_blocks.attend_blocks(q, k, v, chosen, 2, True, bias)  # noqa: E731
        assert jax.eval_shape(run, part, part, part, chosen, bias).shape == part.shape
    assert cut == [2] * gathered


def test_a_product_has_its_own_derivative_but_where_costs_are_counted():
    for form, own in (('shifts', True), ('reference', False)):
        with lowering(form):
            # A function of its own each time: a program that is traced once is not traced again.
            assert ('custom_vjp' in program(lambda x, kernel: product(x, kernel), (2, 3, 4), (4, 5))) == own


@pytest.mark.parametrize(('inputs', 'outputs', 'turned'), [(3, 4, False), (4, 4, False), (4, 3, True)])
def test_the_shorter_side_of_a_weight_gradient_comes_first(inputs, outputs, turned):
    with lowering('shifts'):
        slope = program(jax.grad(lambda kernel, x: product(x, kernel).sum()), (inputs, outputs), (2, inputs))
    assert ('optimization_barrier' in slope) == turned


@pytest.mark.parametrize(('length', 'transformed'), [(64, False), (65, True)])
def test_a_short_filter_is_a_matrix_and_a_long_one_is_transformed(length, transformed):
    assert ('fft' in program(long_convolution, (1, length, 2), (length, 2))) == transformed


@pytest.mark.parametrize(('length', 'cut'), [(CHUNK, False), (CHUNK + 1, True)])
def test_states_of_up_to_a_chunk_are_computed_at_once(length, cut):
    wide, narrow = (1, length, 3), (1, length, 2)
    assert ('scan[' in program(selective_scan, wide, wide, (3, 2), narrow, narrow)) == cut


@pytest.mark.parametrize(
    ('batch', 'together'), [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3), (7, 1), (16, 8), (30, 15), (32, 16), (33, 11), (64, 16)]
)
def test_examples_are_summed_in_two_parts_or_more_of_sixteen_or_fewer(batch, together):
    assert _together(batch) == together


@pytest.mark.parametrize(
    ('shape', 'sizes', 'count', 'total'),
    [
        ((8, 20, 8, 3), (3, 3), 2 * 3 * 1, (4, 3, 3, 3)),
        ((8, 9, 24, 3), (3, 5), 2 * 2 * 3, (4, 3, 5, 3)),
        ((2, 130, 3), (4,), 2 * 3, (1, 4, 3)),
        ((1, 64, 3), (4,), 1, (1, 4, 3)),
    ],
)
def test_the_gradient_of_a_filter_goes_over_tiles_and_parts_of_the_batch(shape, sizes, count, total, monkeypatch):
    looped, real = [], jax.lax.fori_loop

    def loop(first: int, last: int, add: object, start: jax.Array) -> jax.Array:
        looped.append((first, last, start.shape))
        return real(first, last, add, start)

    monkeypatch.setattr(shifts.jax.lax, 'fori_loop', loop)
    pads = [(0, size - 1) for size in sizes]
    y = jax.eval_shape(lambda x, slope: _kernel_slope(x, slope, sizes, pads), zeros(*shape), zeros(*shape))
    assert looped == [(0, count, total)] and y.shape == (*sizes, 3)


@pytest.mark.parametrize(('name', 'chunk'), [('decayed_sums', 32), ('corrected_sums', 16)])
@pytest.mark.parametrize('length', [8, 40])
def test_sums_go_chunk_by_chunk_and_a_short_text_is_one(name, chunk, length, monkeypatch):
    module, seen, real = importlib.import_module(f'arch.ops.{name}'), [], jax.lax.scan

    def scan(step: object, first: object, parts: tuple) -> tuple:
        seen.append(parts[0].shape[:4])
        return real(step, first, parts)

    monkeypatch.setattr(module.jax.lax, 'scan', scan)
    part = zeros(2, length, 3, 4)
    decays = part if name == 'corrected_sums' else zeros(2, length, 3)
    assert jax.eval_shape(getattr(module, name), part, part, part, decays).shape == part.shape
    size = min(length, chunk)
    assert seen == [(-(-length // size), 2, 3, size)]
