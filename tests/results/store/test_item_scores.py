"""Item scores: small, the same after a round trip, and examples that belong together are one item."""

import base64
import zlib

import numpy as np
import pytest

from results.store import item_scores
from results.store.item_scores import by_item, packed, unpacked


@pytest.mark.parametrize('accuracy', [0.0, 0.5, 0.7, 0.97, 1.0])
def test_an_accuracy_of_360_items_is_short_and_exact(accuracy):
    scores = (np.random.default_rng(0).random(360) < accuracy).astype(float)
    text = packed(scores)
    assert len(text) < 150
    np.testing.assert_array_equal(unpacked(text), scores)


@pytest.mark.parametrize('size', [1e-3, 1.0, 1e4])
def test_other_scores_are_rounded_to_a_thousandth(size):
    scores = size * np.random.default_rng(0).gamma(4, 0.5, 512)
    text = packed(scores)
    assert len(text) < 3 * 512
    np.testing.assert_allclose(unpacked(text), scores, rtol=2**-10)


@pytest.mark.parametrize(
    'scores', [[1.0], [np.nan, 1.0], [np.inf, 1.0], [1e6, 1.0], [1e-7, 3e-8]], ids=['one', 'nan', 'inf', 'large', 'tiny']
)
def test_what_does_not_fit_is_left_out(scores):
    assert packed(np.array(scores)) is None


def test_what_was_unpacked_is_not_written_to():
    with pytest.raises(ValueError, match='read-only'):
        unpacked(packed(np.ones(4)))[0] = 0


@pytest.mark.parametrize('text', ['no base64!', base64.b64encode(b'no zlib').decode(), 'e'], ids=['letters', 'bytes', 'short'])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError, match='cannot be unpacked'):
        unpacked(text)


def test_a_text_that_unpacks_to_far_more_is_refused(monkeypatch):
    monkeypatch.setattr(item_scores, 'MOST', 1000)
    with pytest.raises(ValueError, match='more than 1000 bytes'):
        unpacked(base64.b64encode(zlib.compress(bytes(2000))).decode())


def test_items_keep_the_mean_of_the_examples_and_have_the_error_of_a_ratio():
    """Against many test splits drawn: files of unlike lengths, whose windows are alike."""
    generator = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(400):
        sizes = generator.integers(1, 30, 60)
        group = generator.permutation(np.repeat(np.arange(60), sizes))
        scores = generator.normal(0, 1, 60)[group] + generator.normal(2, 1, len(group))
        items = by_item(scores, group)
        assert len(items) == 60 and items.mean() == pytest.approx(scores.mean())
        means.append(scores.mean())
        errors.append(items.std(ddof=1) / np.sqrt(60))
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)


def test_items_come_in_the_order_of_their_groups_and_differences_are_those_of_the_items():
    generator = np.random.default_rng(1)
    group, one, other = generator.permutation(np.repeat([4, 2, 9, 7], 3)), generator.random(12), generator.random(12)
    np.testing.assert_allclose(by_item(one, group) - by_item(other, group), by_item(one - other, group))
    alone = np.array([5, 3, 4])
    np.testing.assert_array_equal(by_item(np.array([0.5, 0.3, 0.4]), alone), [0.3, 0.4, 0.5])


def test_rounding_by_just_the_limit_is_taken():
    """The largest item is 2^-15, so that others may be off by 2^-25: half of the last bit of such small numbers."""
    assert unpacked(packed(np.array([2.0**-15, 3 * 2.0**-25]))).tolist() == [2.0**-15, 2.0**-23]
    assert packed(np.array([2.0**-16, 3 * 2.0**-25])) is None


def test_a_text_with_other_marks_is_none_of_the_labs():
    text = packed(np.linspace(0, 1, 9))
    for odd in (f'{text}\n', f'{text[:8]} {text[8:]}', f'*{text}'):
        with pytest.raises(ValueError, match='cannot be unpacked'):
            unpacked(odd)
    with pytest.raises(ValueError, match=f"^item scores '{'x' * 40}' cannot be unpacked"):
        unpacked('x' * 44)
