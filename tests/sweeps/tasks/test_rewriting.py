"""Rewriting: what each takes out of a text and what it leaves, and that the same text is always rewritten alike."""

import random

import numpy as np
import pytest

from sweeps.datasets.prepared import Part
from sweeps.tasks.rewriting import REWRITINGS, check, rewrite, rewritten

ANSWER = '# Sure!\n\nHere are **two** things, as `code`:\n1. *One* (first)\n- [Two](http://a.b/c), naïve…\n> end\n---\n'


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('lower_case', ANSWER.lower()),
        ('without_markdown', 'Sure!\n\nHere are two things, as code:\nOne (first)\nTwo, naïve…\nend\n\n'),
        ('without_marks', 'Sure Here are two things as code 1 One first Twohttpabc naïve end'),
        ('first_words:3', '# Sure! Here'),
    ],
)
def test_what_is_taken_out_and_what_stays(name: str, said: str):
    assert rewrite(ANSWER, [name]) == said


@pytest.mark.parametrize('text', ['2 * 3 * 4', 'a_b_c', 'x-y', '3.5 km', 'snake_case_name', '-5 degrees'])
def test_what_only_looks_like_markdown_stays(text: str):
    assert rewrite(text, ['without_markdown']) == text


@pytest.mark.parametrize(('name', 'parts'), [('shuffled_words', str.split), ('shuffled_letters', list)])
def test_what_is_shuffled_is_the_same_parts_in_another_order(name: str, parts):
    once = rewrite(ANSWER, [name])
    assert once == rewrite(ANSWER, [name]) != ANSWER
    assert sorted(parts(once)) == sorted(parts(ANSWER))
    assert rewrite('one two three four five six', [name]) != rewrite('one two three four five six.', [name])[:-1]


def test_rewritings_follow_one_another():
    assert rewrite('**A** b, c', ['without_markdown', 'lower_case', 'without_marks', 'first_words:2']) == 'a b'


def test_of_a_part_only_the_texts_change():
    texts = [b'One, two', b'', b'\xff\xfe Three!']
    part = Part(
        np.frombuffer(b''.join(texts), np.uint8),
        np.array([0, 1, 1], np.int32),
        np.array([4, 5, 5]),
        np.cumsum([0, *map(len, texts)]),
    )
    made = rewritten(part, ['lower_case'])
    assert [bytes(made.example(number)) for number in range(3)] == [b'one, two', b'', '\ufffd\ufffd three!'.encode()]
    assert made.y is part.y and made.group is part.group


@pytest.mark.parametrize('name', ['first_words', 'first_words:0', 'lowercase', 3, 'first_words:-1'])
def test_a_rewriting_that_there_is_not_is_refused(name):
    with pytest.raises(ValueError, match=r"rewrite .*; allowed: \['lower_case', .* 'first_words:16'\]"):
        check([name])


@pytest.mark.parametrize('name', REWRITINGS)
def test_any_text_can_be_rewritten(name: str):
    draw = random.Random(name)
    for _ in range(50):
        text = ''.join(draw.choice(' \n\t*_`#->|[]()!é日\U0001f600a.1\x00') for _ in range(draw.randrange(40)))
        rewrite(text, [name]).encode()
