"""Verdict grid: signs, sentences, and effects drawn on one scale for each task."""

import dataclasses
import re

import pytest

from results.finding import VERDICTS, Finding
from results.pages import environment
from results.report.page import FOLDER
from results.report.verdict_grid import EDGE, HEIGHT, MARKS, WIDTH, in_one_sentence, verdict_grid

ABOUT = dict(study='s', base='plain', metric='accuracy', unit='share of images', direction='higher', margin=0.01)


def one(arm: str = 'gated', task: str = 'digits', effect: float | None = 0.02, half: float = 0.01, **more: object) -> Finding:
    interval = None if effect is None else (effect - half, effect + half)
    return Finding(arm=arm, task=task, dataset=task, effect=effect, effect_interval=interval, **{**ABOUT, **more})


def drawing(findings: list[Finding], line: int = 0, cell: int = 0) -> str:
    return str(verdict_grid(findings).lines[line].cells[cell].drawing)


def stroke(svg: str) -> float:
    """Where the effect stands, from 0 to WIDTH."""
    return float(re.search(r'class="effect" d="M([\d.]+)', svg)[1])


def test_every_verdict_has_a_sign_of_its_own():
    assert set(MARKS) == set(VERDICTS) and len(set(MARKS.values())) == len(VERDICTS)


def test_a_grid_has_a_line_an_arm_and_a_cell_a_task_in_the_order_of_the_study():
    findings = [one(arm, task) for arm in ('z', 'a') for task in ('recall', 'digits')]
    grid = verdict_grid(findings)
    assert [line.arm for line in grid.lines] == ['z', 'a']
    assert [name for name, _ in grid.tasks] == ['recall', 'digits'] == [cell.task for cell in grid.lines[1].cells]
    assert grid.tasks[0][1] == 'margin 1.0 points'
    assert (grid.lines[0].cells[0].effect, grid.lines[0].cells[0].interval) == ('+2.0', '[+1.0, +3.0]')
    assert 'against plain in points, each at its own best recipe' in grid.caption
    both = [*findings, one('z', 'bytes', metric='loss', unit='nats a byte')]
    assert 'against plain, each at its own best recipe' in verdict_grid(both).caption
    assert verdict_grid([]).lines == ()


def test_a_drawing_lies_within_its_height():
    """Everything but the band stands on the middle line, or as far above it as below."""
    shown = ''.join(drawing([one(effect=0.02), one('far', effect=0.02, half=1.0)], line) for line in range(2))
    lines = re.findall(r'class="(?:bar|effect)" d="(.*?)"', shown)
    ups = [[float(y) for _, y in re.findall(r'([ML][\d.]+ |V)([\d.]+)', path)] for path in lines]
    assert len(lines) == 6 and all(min(own) > 0 and max(own) < HEIGHT and min(own) + max(own) == HEIGHT for own in ups)


def test_right_is_better_and_all_arms_of_a_task_share_one_scale():
    findings = [one('up', effect=0.02), one('down', effect=-0.02), one('none', effect=0.0)]
    up, down, none = (stroke(drawing(findings, line)) for line in range(3))
    assert none == WIDTH / 2 and up > none > down and up - none == pytest.approx(none - down)
    bands = {
        re.search(r'class="band" x="([\d.]+)" y="0" width="([\d.]+)"', drawing(findings, line)).groups() for line in range(3)
    }
    assert len(bands) == 1
    ((left, width),) = bands
    assert float(left) + float(width) / 2 == pytest.approx(WIDTH / 2, abs=0.1)
    # The margin is half of an effect of two margins.
    assert float(width) / 2 == pytest.approx((up - none) / 2, abs=0.1)


def test_one_arm_far_away_leaves_the_others_visible_and_an_arrow_says_that_its_bar_goes_on():
    findings = [one('near', effect=0.02), one('far', effect=-0.9, half=0.2)]
    near, far = drawing(findings, 0), drawing(findings, 1)
    assert stroke(near) - WIDTH / 2 > 0.2 * WIDTH / 2
    assert 'class="effect"' not in far and far.count('class="bar"') == 2 and f'L{EDGE} ' in far
    assert near.count('class="bar"') == 1


def test_what_has_no_effect_has_no_drawing():
    grid = verdict_grid([one(effect=None, verdict='not comparable', reason='no run is left')])
    (cell,) = grid.lines[0].cells
    assert (cell.drawing, cell.effect, cell.interval, cell.words) == ('', '', '', 'not comparable')


@pytest.mark.parametrize(
    ('findings', 'sentence'),
    [
        ([one(verdict='worse')], 'Worse than plain on digits, the only dataset.'),
        ([one(verdict='undecided')], 'Undecided on digits, the only dataset.'),
        (
            [one(verdict='better'), dataclasses.replace(one(verdict='worse'), task='wide')],
            'Better on digits, worse on wide, the only dataset.',
        ),
        (
            [one(task=task, overall_reason='better on 1, undecided on 1 of 2 datasets; a claim needs') for task in ('a', 'b')],
            'Better on 1, undecided on 1 of 2 datasets.',
        ),
    ],
)
def test_the_answer_on_an_arm_is_one_sentence(findings: list[Finding], sentence: str):
    assert in_one_sentence(findings) == sentence


def test_a_long_name_of_a_task_may_break_and_nothing_in_it_is_markup():
    named = environment(FOLDER).get_template('answer.html.j2').module.named
    assert named('stdlib_bytes') == 'stdlib_bytes'
    assert named('packages_without_marks') == 'packages_<wbr>without_<wbr>marks'
    assert named('<b>packages_without</b>') == '&lt;b&gt;packages_<wbr>without&lt;/b&gt;'


def test_bars_that_go_on_have_an_arrow_at_the_edge_where_they_do():
    wide = drawing([one('a', effect=0.02), one('wide', effect=0.01, half=1.0)], 1)
    assert wide.count('class="bar"') == 3 and f'L{EDGE} ' in wide and f'L{WIDTH - EDGE} ' in wide
    assert stroke(wide) > WIDTH / 2, 'the effect itself lies inside'
    right = drawing([one('a', effect=0.02), one('b', effect=0.02), one('far', effect=0.9, half=0.2)], 2)
    assert 'class="effect"' not in right and f'L{WIDTH - EDGE} ' in right and f'L{EDGE} ' not in right


def test_an_effect_without_an_interval_is_a_stroke():
    alone = Finding(arm='a', task='digits', dataset='digits', effect=0.02, **ABOUT)
    svg = drawing([alone])
    # The widest reach of a single arm is the end of the scale.
    assert stroke(svg) == WIDTH - EDGE and f'M{WIDTH - EDGE}.0 {HEIGHT / 2}H{WIDTH - EDGE}.0' in svg
    small = Finding(arm='a', task='digits', dataset='digits', effect=0.001, **ABOUT)
    # A scale holds one and a half margins.
    assert stroke(drawing([small])) == pytest.approx(WIDTH / 2 + (WIDTH / 2 - EDGE) * 0.001 / 0.015, abs=0.06)


@pytest.mark.parametrize(
    ('recipe', 'bases', 'said'),
    [
        ('own', ('plain', 'plain'), 'against plain in points, each at its own best recipe; right'),
        ('same', ('plain', 'plain'), 'against plain in points, all at the recipe of the base; right'),
        ('own', ('plain', 'gated'), 'against the arm that it is compared with in points, each'),
    ],
)
def test_the_caption_names_what_is_compared(recipe, bases, said):
    findings = [one(arm, base=base) for arm, base in zip(('a', 'b'), bases, strict=True)]
    assert said in verdict_grid(findings, recipe).caption


def test_lines_have_what_arms_change_and_one_verdict_for_all_tasks():
    grid = verdict_grid([one('a', overall='better', overall_reason='x; y'), one('b')], changes={'a': 'a gate'})
    assert [(line.changes, line.verdict) for line in grid.lines] == [('a gate', 'better'), ('', 'undecided')]
    both = [one(verdict='equivalent'), dataclasses.replace(one(verdict='equivalent'), task='wide')]
    assert in_one_sentence(both) == 'As good as plain on digits and wide, the only dataset.'
