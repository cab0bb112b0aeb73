"""Rungs of a flagship on the joint page: the largest first, effects over all of them, and a reviewer's questions."""

import dataclasses
import functools

import golden_texts
import pytest
from read_pages import CHECKLIST, Parsed, text_of
from simulated_study import data, manifest_of, read

from ablations.flagships import flagship, rung_study
from results.conclusions import Conclusions
from results.figures.ladder import rungs_figure
from results.figures.panels import Inapplicable
from results.finding import Finding
from results.report.flagship_part import flagship_part, review
from results.report.joint_page import joint_page
from results.tables import study_facts

SIZES = {'small': 41_921, 'medium': 384_161}
LOSS = dict.fromkeys(('own', 'pairs_of_heads', 'one_for_all', 'latent'), -3.0)
TOPS = {
    'small': {**LOSS, 'pairs_of_heads': -3.1, 'one_for_all': -3.3},
    'medium': {**LOSS, 'one_for_all': -2.7},
}
"""Losses of about 2.2, so that they have a logarithm."""


@functools.cache
def rungs() -> dict:
    """Two rungs of a flagship as if they had been run: {rung: (reading, findings)}."""
    made = {}
    for rung, tops in TOPS.items():
        study = dataclasses.replace(rung_study(f'shared_keys_{rung}'), trials=6, extension=0, replicates=3, seeds=2, looks=())
        reading, effects = read(*data(study, tops))
        manifest = manifest_of(study)
        for costs in manifest['costs'].values():
            for task in costs.values():
                task['params'] = SIZES[rung]
        made[rung] = dataclasses.replace(reading, manifest=manifest), effects
    return made


def page(*names: str) -> str:
    parts = [rungs()[name] for name in names]
    return joint_page([(reading, Conclusions(effects, study_facts(reading, effects)), CHECKLIST) for reading, effects in parts])


def test_rungs_stand_together_the_largest_first():
    html = page('small', 'medium')
    parsed, said = Parsed(html), text_of(html)
    assert parsed.wrong == [] and parsed.open == [] and len(parsed.ids) == len(set(parsed.ids))
    assert html.index('id="shared_keys"') < html.index('id="shared_keys_medium"') < html.index('id="shared_keys_small"')
    assert 'Claimed or disputed: Heads can share their keys' in said and 'Still to be run: large (gpu).' in said
    assert html.count('<figure>') == 1 and said.count('What a reviewer asks') == 1
    assert 'How the error of each arm falls with the parameters of the base (41.9k, 384k)' in said
    assert html == page('medium', 'small'), 'the order in which rungs are given changes nothing'
    alone = text_of(page('small'))
    assert 'How errors fall with size' not in alone
    assert 'Still to be run: medium (cpu), large (gpu).' in alone and 'Not known: only small has been run.' in alone


def test_a_study_that_is_not_done_is_called_unfinished():
    reading, effects = rungs()['small']
    open_schedule = dataclasses.replace(reading.schedule, complete=False)
    for schedule, is_told in ((reading.schedule, False), (open_schedule, True)):
        one = dataclasses.replace(reading, schedule=schedule)
        html = joint_page([(one, Conclusions(effects, study_facts(one, effects)), CHECKLIST)])
        assert ('(unfinished)' in text_of(html)) == is_told


def test_a_reviewer_is_answered_from_the_records():
    assert [question for question, _ in review(rungs())] == [
        'Was each arm given its own best recipe?',
        'On which data, with how large models?',
        'How much noise is there?',
        'What would one recipe for all have said?',
        'Which arm would have won?',
        'Does it hold at the next scale?',
    ]
    own, of_data, noise, one_recipe, first, scale = (answer for _, answer in review(rungs()))
    assert own.startswith(
        'Yes: 6 trials of every arm on every task, in each of up to 3 replicates (lr, weight_decay under adamw)'
    )
    assert 'small: tinystories_bytes (tinystories): 400 steps of 8, 41,921 parameters, 1,000 test examples;' in of_data
    assert 'medium: tinystories_bytes (tinystories): 1,000 steps of 8, 384,161 parameters' in of_data
    assert noise.startswith(
        'small: the effect that a comparison finds in 80 % is, in the middle of the arms, tinystories_bytes '
    )
    assert 'nats per token' not in noise and '(margin 0.020)' in noise
    assert one_recipe.startswith('small: ') and ' of 6 comparisons' in one_recipe and 'medium: ' in one_recipe
    assert (
        'small: on tinystories_bytes ' in first
        and 'medium: on tinystories_bytes one_for_all at own recipes, one_for_all at' in first
    )
    assert 'another than one_for_all in 0 of 3 tunings by their best trial' in first
    assert scale == (
        '0 of 4 differences of small stand at medium; turned: one_for_all on tinystories_bytes, one_for_all on '
        'tiny_shakespeare_bytes; no longer shown: pairs_of_heads on tinystories_bytes, pairs_of_heads on '
        'tiny_shakespeare_bytes.'
    )


def test_the_page_of_two_rungs_says_what_it_said():
    said = text_of(page('small', 'medium'))
    told = said.replace('. ', '.\n').replace('; ', ';\n').replace(' [', '\n[')
    answers = [line for pair in review(rungs()) for line in pair]
    golden_texts.hold('page_of_rungs', '\n'.join([*answers, told]))


def test_what_an_arm_alone_tunes_is_said():
    study = rung_study('squashing_norms_small')
    study = dataclasses.replace(study, trials=6, extension=0, replicates=2, seeds=1, looks=(), tasks=study.tasks[:2])
    reading, effects = read(*data(study, {}))
    own = review({'small': (reading, effects)})[0][1]
    assert 'under adamw; and alpha0 of dynamic_tanh, alpha0 of dynamic_erf)' in own


@pytest.mark.parametrize('given', [('small',), ('small', 'medium')])
def test_the_effects_at_every_rung_are_drawn(given):
    drawn = rungs_figure({rung: rungs()[rung] for rung in given})
    assert [axes.get_title() for axes in drawn.axes] == ['tinystories_bytes', 'tiny_shakespeare_bytes']
    for axes in drawn.axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == ['41.9k', '384k'][: len(given)]
        assert axes.get_xlabel() == 'parameters of own (logarithmic)'
    legend = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert legend[:3] == ['pairs_of_heads', 'one_for_all', 'latent']
    heights = {round(float(line.get_ydata()[-1]), 4) for line in drawn.axes[0].lines}
    shown = [one for one in rungs()[given[-1]][1] if one.task == 'tinystories_bytes' and abs(one.effect) < 0.05]
    assert shown and {round(one.effect, 4) for one in shown} <= heights


def test_rungs_without_a_finding_have_no_figure():
    empty = {'small': (rungs()['small'][0], [])}
    with pytest.raises(Inapplicable, match='no rung has a finding'):
        rungs_figure(empty)
    assert flagship_part(flagship('shared_keys'), empty).figure == ''


def asked(place: int, small: list, medium: list | None = None) -> str:
    """A reviewer's answer on such findings in place of a rung's own."""
    given = {'small': (rungs()['small'][0], small)} | ({'medium': (rungs()['medium'][0], medium)} if medium is not None else {})
    return review(given)[place][1]


FIRST = Finding('s', 'a', 'base', 'digits', 'digits', 'accuracy', 'share', 'higher', 0.01)


def of_arms(*arms: str, **fields: object) -> list:
    return [dataclasses.replace(FIRST, arm=arm, **fields) for arm in arms]


def test_the_noise_is_that_of_the_middle_arm():
    values = {'a': 0.03, 'b': 0.01, 'c': 0.02, 'd': None}
    given = [one for arm, value in values.items() for one in of_arms(arm, detectable=value)]
    assert (
        asked(2, given)
        == 'small: the effect that a comparison finds in 80 % is, in the middle of the arms, digits 2.0 points (margin 1.0).'
    )
    assert asked(2, of_arms('d')) == 'small: not known yet.'
    both = asked(2, [*of_arms('a', detectable=0.01), *of_arms('a', detectable=0.04, task='other')])
    assert both.endswith('digits 1.0 points (margin 1.0); other 4.0 points (margin 1.0).')


def test_what_one_recipe_would_have_said_is_counted():
    same = of_arms('a', 'b', verdict='better', shared_verdict='better')
    other = of_arms('c', verdict='undecided', shared_verdict='worse')
    left_out = [*of_arms('d', verdict='not comparable', shared_verdict='worse'), *of_arms('e', verdict='better')]
    assert asked(3, [*same, *other, *left_out]) == (
        'small: the same in 2 of 3 comparisons; c on digits worse where its own recipe says undecided.'
    )
    assert asked(3, same) == 'small: the same in 2 of 2 comparisons.' and asked(3, left_out) == 'small: not known.'


def test_claims_stand_turn_or_are_no_longer_shown_at_the_next_size():
    before = [*of_arms('a', 'b', 'c', 'd', verdict='better'), *of_arms('e'), *of_arms('f', verdict='equivalent')]
    after = [*of_arms('a', verdict='better'), *of_arms('b', verdict='worse'), *of_arms('c'), *of_arms('e', verdict='better')]
    assert asked(5, before, after) == (
        '1 of 4 differences of small stand at medium; turned: b on digits; no longer shown: c on digits, d on digits.'
    )
    assert asked(5, of_arms('e'), after) == '0 of 0 differences of small stand at medium.'
    assert asked(5, before) == 'Not known: only small has been run.'


def test_data_without_counts_are_told_without_them():
    reading, effects = rungs()['small']
    bare = review({'small': (dataclasses.replace(reading, manifest={}), [])})[1][1]
    assert bare.startswith('small: tinystories_bytes (tinystories): 400 steps of 8; ') and 'parameters' not in bare
    assert 'test examples' not in bare
    with_tests = review({'small': (dataclasses.replace(reading, manifest={}), effects)})[1][1]
    assert '400 steps of 8, 1,000 test examples; ' in with_tests


def test_trials_are_of_each_optimizer_where_an_arm_has_several():
    reading, effects = rungs()['small']
    space = next(iter(reading.study.tune.values()))
    study = dataclasses.replace(reading.study, tune={'adamw': space, 'muon': space})
    both, one = (review({'small': (dataclasses.replace(reading, study=own), effects)})[0][1] for own in (study, reading.study))
    assert 'trials with each of its optimizers of every arm' in both and 'under muon' in both
    assert 'with each' not in one and 'Then 2 confirmation seeds a replicate.' in one
