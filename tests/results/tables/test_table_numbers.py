"""Numbers in tables: so many digits, a sign where it is asked for, and a dash for what is unknown."""

import pytest

from results.tables import count, number, probability


@pytest.mark.parametrize(
    ('value', 'metric', 'signed', 'wanted'),
    [
        (0.92345, 'accuracy', False, '92.3'),
        (0.0251, 'accuracy', True, '+2.5'),
        (-0.0251, 'accuracy', True, '−2.5'),
        (-0.0001, 'accuracy', True, '0.0'),
        (2.43214, 'loss', False, '2.432'),
        (None, 'loss', True, '–'),
    ],
)
def test_numbers(value, metric, signed, wanted):
    assert number(value, metric, signed) == wanted


def test_large_numbers_and_probabilities():
    assert [count(n) for n in (7, 999, 1000, 12345, 999_960, 1.2e6, None)] == [
        '7',
        '999',
        '1.00k',
        '12.3k',
        '1.00M',
        '1.20M',
        '–',
    ]
    assert [probability(p) for p in (0.0004, 0.0123, 1.0, None)] == ['<0.001', '0.012', '1.000', '–']


@pytest.mark.parametrize(
    ('value', 'metric', 'signed', 'wanted'),
    [
        (9.99996, 'rmse', False, '10.000'),
        (10.0, 'rmse', False, '10.00'),
        (-10.0, 'rmse', True, '−10.00'),
        (99.994, 'rmse', False, '99.99'),
        (12345.6, 'rmse', False, '12346'),
        (0.1, 'rmse', False, '0.100'),
        (0.0999, 'rmse', False, '0.0999'),
        (0.0, 'rmse', True, '0.000'),
        (-0.00001, 'loss', True, '0.000'),
        (0.00051, 'accuracy', False, '0.1'),
        (1.0, 'accuracy', True, '+100.0'),
        (123.4567, 'loss', False, '123.457'),
    ],
)
def test_numbers_of_any_size(value, metric, signed, wanted):
    assert number(value, metric, signed) == wanted


@pytest.mark.parametrize(
    ('value', 'told'),
    [
        (0, '0'),
        (0.5, '0.5'),
        (999.4, '999'),
        (999.5, '1.00k'),
        (99_950, '100k'),
        (1e9, '1.00G'),
        (2.5e12, '2.50T'),
        (123e12, '123T'),
    ],
)
def test_counts_of_any_size(value, told):
    assert count(value) == told


@pytest.mark.parametrize(('p', 'told'), [(0.001, '0.001'), (0.00099, '<0.001'), (0.0, '<0.001'), (0.9999, '1.000')])
def test_small_probabilities(p, told):
    assert probability(p) == told
