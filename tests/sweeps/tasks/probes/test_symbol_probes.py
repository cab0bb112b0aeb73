"""Modular addition, state tracking, arithmetic, regular languages: rules of symbols against plain Python."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from sweeps.tasks.probes.arithmetic import ALPHABET, Arithmetic, ArithmeticAnswers
from sweeps.tasks.probes.automata import automaton
from sweeps.tasks.probes.finite_groups import group_table
from sweeps.tasks.probes.modular_addition import ModularAddition
from sweeps.tasks.probes.regular_language import RegularLanguage
from sweeps.tasks.probes.state_tracking import StateTracking

SMALL = {'train': 200, 'held': 50}


@pytest.mark.parametrize('mirrors', ['together', 'apart'])
def test_modular_addition_is_one_table_in_parts(mirrors: str):
    task = ModularAddition(modulus=53, mirrors=mirrors, train=1500, held=256)
    pool, sealed = task.pool(), task.test()
    for part in (pool, sealed):
        for (a, b, mark), y in zip(part.x.tolist(), part.y.tolist(), strict=True):
            assert mark == 53 and y == [-1, -1, (a + b) % 53]
    train, held = task.split(pool, 0)
    parts = [{tuple(row) for row in x[:, :2].tolist()} for x in (pool.x[train], pool.x[held], sealed.x)]
    assert [len(part) for part in parts] == [1500, 256, 256]
    mirrored = [{(b, a) for a, b in part if a != b} for part in parts]
    for one, other in itertools.permutations(range(3), 2):
        assert not parts[one] & parts[other]
        assert bool(mirrored[one] & parts[other]) == (mirrors == 'apart')


# How many elements of each order a group has tells these groups from all others of their size.
ORDERS = {
    'z2': {1: 1, 2: 1},
    's3': {1: 1, 2: 3, 3: 2},
    'z6': {1: 1, 2: 1, 3: 2, 6: 2},
    'a4': {1: 1, 2: 3, 3: 8},
    's5': {1: 1, 2: 25, 3: 20, 4: 30, 5: 24, 6: 20},
    'a5': {1: 1, 2: 15, 3: 20, 5: 24},
    'z60': {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 2, 10: 4, 12: 4, 15: 8, 20: 8, 30: 8, 60: 16},
    'a4xz5': {1: 1, 2: 3, 3: 8, 5: 4, 10: 12, 15: 32},
}


@pytest.mark.parametrize('name', ORDERS)
def test_groups_are_those_of_their_names(name: str):
    table = group_table(name)
    size = len(table)
    np.testing.assert_array_equal(table[0], np.arange(size))
    np.testing.assert_array_equal(table[:, 0], np.arange(size))
    np.testing.assert_array_equal(np.sort(table, 1), np.tile(np.arange(size), (size, 1)))
    np.testing.assert_array_equal(table[table], table[:, table], 'associative')
    orders = Counter()
    for element in range(size):
        power, order = element, 1
        while power:
            power, order = table[power, element], order + 1
        orders[order] += 1
    assert orders == ORDERS[name]


@pytest.mark.parametrize('name', ['', 's7', 'q8', 'z0', 'z1001', 's5xz60', 'Z5', 's3x'])
def test_other_groups_are_refused(name: str):
    with pytest.raises(ValueError, match='allowed: s1 to s6'):
        group_table(name)


def test_a_table_is_for_all_who_ask_and_none_may_change_it():
    assert group_table('s3') is group_table('s3') and not group_table('s3').flags.writeable


def test_the_product_of_permutations_applies_the_first_one_first():
    """Of the six permutations of (0, 1, 2) in order, 1 swaps the last two things and 2 the first two."""
    elements = list(itertools.permutations(range(3)))
    one, two = elements[1], elements[2]
    both = tuple(two[one[thing]] for thing in range(3))
    assert elements[group_table('s3')[1, 2]] == both != elements[group_table('s3')[2, 1]]


def test_states_are_products_of_all_moves_so_far():
    table = group_table('s5')
    arrays = StateTracking(group='s5', length=6, **SMALL).pool()
    for x, y in zip(arrays.x.tolist(), arrays.y.tolist(), strict=True):
        assert list(itertools.accumulate(x, lambda state, move: table[state, move])) == y
    last = StateTracking(group='s5', length=6, asked='last', **SMALL).pool()
    assert (last.y[:, :-1] == -1).all() and (last.y[:, -1] >= 0).all()


def test_parity_is_the_group_of_two():
    arrays = StateTracking(group='z2', length=12, **SMALL).pool()
    np.testing.assert_array_equal(arrays.y, arrays.x.cumsum(1) % 2)


@pytest.mark.parametrize(('operation', 'digits', 'order'), [('+', 2, 'plain'), ('+', 3, 'reversed'), ('*', 2, 'reversed')])
def test_arithmetic_is_right(operation: str, digits: int, order: str):
    task = Arithmetic(operation=operation, digits=digits, order=order, train=200, held=50)
    arrays = task.pool()
    for x, y in zip(arrays.x, arrays.y, strict=True):
        line = ''.join(ALPHABET[i] for i in y)
        assert [ALPHABET[i] for i in x] == ['\n', *line[:-1]] and line.endswith('\n')
        question, result = line[:-1].split('=')
        assert len(question) == 2 * digits + 1 and len(result) == task.result
        a, b = map(int, question.split(operation))
        assert int(result[::-1] if order == 'reversed' else result) == (a + b if operation == '+' else a * b)
    answers = ArithmeticAnswers(operation=operation, digits=digits, order=order, train=200, held=50).pool()
    asked = (answers.y >= 0).all(0)
    assert asked.tolist() == [False] * (2 * digits + 2) + [True] * task.result + [False]


def test_the_least_bits_of_arithmetic_are_those_of_its_numbers():
    """All 100 sums of one digit, by counting: the entropy of a line is log2(100), over a line of 7 characters."""
    lines = Counter(f'{a}+{b}={a + b:02d}\n' for a in range(10) for b in range(10))
    bits = -sum(count / 100 * math.log2(count / 100) for count in lines.values())
    assert {len(line) for line in lines} == {7}
    assert Arithmetic(digits=1).least_bits() == pytest.approx(bits / 7)


RATES = [('golden_mean', 2, 2 / 3), ('even', 2, 2 / 3), ('brackets', 2, 0), ('brackets', 5, 3 / 4), ('brackets', 11, 9 / 10)]


@pytest.mark.parametrize(('language', 'states', 'rate'), RATES)
def test_entropy_rates_are_the_known_ones(language: str, states: int, rate: float):
    source = automaton(language, states, 2, 0)
    assert source.entropy_rate() == pytest.approx(rate, abs=1e-9)
    assert source.entropy(20000) == pytest.approx(rate, abs=1e-3)


def spelled(source, length: int) -> dict[tuple, float]:
    """Every string of a length with its probability, by trying all."""
    probabilities = {}
    for string in itertools.product(range(source.follow.shape[1]), repeat=length):
        state, probability = 0, 1.0
        for symbol in string:
            allowed = [other for other in source.follow[state] if other >= 0]
            if source.follow[state][symbol] < 0:
                break
            probability, state = probability / len(allowed), source.follow[state][symbol]
        else:
            probabilities[string] = probability
    return probabilities


@pytest.mark.parametrize(('language', 'states', 'symbols'), [('golden_mean', 2, 2), ('brackets', 4, 2), ('random', 5, 3)])
def test_entropy_of_strings_is_that_of_all_of_them(language: str, states: int, symbols: int):
    """H(symbols 2 to n | symbol 1) = H(n symbols) - H(1 symbol)."""
    source = automaton(language, states, symbols, 7)
    whole, first = (-sum(p * math.log2(p) for p in spelled(source, n).values()) for n in (7, 1))
    assert source.entropy(6) == pytest.approx((whole - first) / 6)


@pytest.mark.parametrize(('language', 'states', 'symbols'), [('even', 2, 2), ('brackets', 4, 2), ('random', 5, 3)])
def test_strings_come_as_often_as_they_should(language: str, states: int, symbols: int):
    source = automaton(language, states, symbols, 7)
    drawn = Counter(map(tuple, source.walk(np.random.default_rng(0), 40000, 4).tolist()))
    expected = spelled(source, 4)
    assert set(drawn) == set(expected)
    for string, probability in expected.items():
        sigma = math.sqrt(probability * (1 - probability) / 40000)
        assert abs(drawn[string] / 40000 - probability) < 5 * sigma + 1e-12


def test_strings_belong_to_their_languages():
    even = RegularLanguage(language='even', states=2, symbols=2, length=40, **SMALL).pool()
    for x in even.x.tolist():
        runs = [len(list(run)) for symbol, run in itertools.groupby(x) if symbol == 1]
        # A run at the end may not be over.
        assert all(size % 2 == 0 for size in (runs[:-1] if x[-1] == 1 else runs))
    golden = RegularLanguage(language='golden_mean', states=2, symbols=2, length=40, **SMALL).pool()
    assert not ((golden.x[:, 1:] == 1) & (golden.x[:, :-1] == 1)).any()
    brackets = RegularLanguage(language='brackets', states=5, symbols=2, length=60, **SMALL).pool()
    depth = np.where(brackets.x == 0, 1, -1).cumsum(1)
    assert depth.min() == 0 and depth.max() == 4


def test_a_source_scores_its_own_entropy():
    task = RegularLanguage()
    least, pool = task.least_bits(), task.pool()
    assert least == pytest.approx(task.bits_of_source(pool), abs=0.01)
    np.testing.assert_array_equal(pool.x[:, 1:], pool.y[:, :-1])
    assert (task.automaton.states(np.concatenate([pool.x, pool.y[:, -1:]], 1)) >= 0).all()
    assert task.automaton.states(np.array([[0] * 99])).shape == (1, 99)


@pytest.mark.parametrize('number', range(5))
def test_random_automata_recur_and_differ(number: int):
    source = automaton('random', 6, 4, number)
    reach = np.linalg.matrix_power(source.moves + np.eye(6), 6)
    assert (reach > 0).all() and source.choices.min() >= 2
    assert (source.follow != automaton('random', 6, 4, number + 1).follow).any()


def test_lines_are_scored_in_bits_of_each_of_their_bytes_but_the_first():
    task = Arithmetic(digits=1, train=8, held=4)
    assert (task.bits_per_byte(), task.given()) == (1.0, 1)
    # Ten digits twice among `1+2=03` and a line end.
    assert task.least_bits() == pytest.approx(2 * np.log2(10) / 7)
