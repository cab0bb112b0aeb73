"""Report: one page that holds the whole study and needs nothing else."""

import copy
import dataclasses
import json
import re
from collections import Counter

import pytest
from read_pages import CHECKLIST, Parsed, bare, data, page, text_of, words
from simulated_study import read, small, study_of

from results import expected_best, fronts
from results.conclusions import Conclusions
from results.evidence import findings
from results.figures import FIGURES
from results.regret import regrets
from results.report.inline_figures import inline_figures
from results.report.joint_page import joint_page
from results.report.page import report
from results.report.sections import (
    environment_grid,
    expected_grid,
    ledger_grid,
    pareto_grid,
    rates_grid,
    recipes_grid,
    regret_grid,
)
from results.report.sentences import meaning, sentence
from results.report.trial_table import trials
from results.store.reading import Reading
from results.tables import number, study_facts
from sweeps.protocol.plan import schedule


def test_a_page_says_whether_its_study_is_complete():
    for share, times in ((1.0, 0), (0.5, 1)):
        text = bare(*read(*small(share=share)), CHECKLIST)
        assert text.count('<title>small_one_swap (unfinished): archlab report</title>') == times
        assert text.count('Unfinished: not all runs of this study are recorded yet') == times
        assert 'http-equiv="refresh"' not in text


def test_a_figure_that_was_drawn_before_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch):
    def draw(*_: object) -> None:
        """What it shows."""
        raise AssertionError('it is drawn again')

    monkeypatch.setattr('results.report.inline_figures.FIGURES', {'effect': draw})
    (shown,) = inline_figures(None, [], {'effect': b'<svg width="10pt" height="20pt"><g id="a"/></svg>'})
    assert shown['caption'] == 'What it shows.' and '<g id="effect-a"/>' in shown['svg'] and not shown['why']


def test_tables_and_figures_share_what_they_show(monkeypatch: pytest.MonkeyPatch):
    reading, effects = read(*small())
    study, made = reading.study, Counter()
    for module, name in ((expected_best, '_curve'), (fronts, '_note')):
        work_out = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *about, name=name, work_out=work_out: made.update([name]) or work_out(*about))
    grids = expected_grid(reading), pareto_grid(reading)
    lines = len(study.arms) * (len(study.tune) + (len(study.tune) > 1))
    assert made == {'_curve': lines * len(study.tasks), '_note': len(fronts.UNITS) * len(study.tasks)}
    FIGURES['expected_best'](reading, effects)
    FIGURES['pareto'](reading, effects)
    assert (expected_grid(reading), pareto_grid(reading)) == grids
    assert made.total() == (lines + len(fronts.UNITS)) * len(study.tasks)
    assert not dataclasses.replace(reading, settings=('trials=9',)).made


def embedded(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="runs-data">(.*?)</script>', html, re.S)[1])


def test_page_is_the_same_twice(monkeypatch):
    """With one figure; that all are the same twice is tried in tests/results/figures."""
    monkeypatch.setattr('results.report.inline_figures.FIGURES', {'effect': FIGURES['effect']})
    assert report(*read(*data()), CHECKLIST) == report(*read(*data()), CHECKLIST)


@pytest.mark.parametrize('shape', ['one_swap', 'path', 'drop_one', 'factorial'])
def test_every_arm_and_task_has_its_sentence(shape):
    study, _, _, _, findings = small(shape)
    text = words(shape)
    for one in findings:
        assert f'{one.arm} against {one.base} on {one.task}: {one.verdict}' in text
        assert sentence(one) in text
    for arm in study.arms:
        assert arm in text


def test_every_record_is_embedded():
    _, planned, records, *_ = data()
    held = embedded(page())
    assert len(held['rows']) == len(records)
    place = {name: i for i, name in enumerate(held['columns'])}
    assert {row[place['id']] for row in held['rows']} == set(records)
    row = held['rows'][0]
    trial = planned.trials[0]
    assert held['words']['arm'][row[place['arm']]] == trial.arm
    assert row[place['lr']] == dict(trial.knobs)['lr'] and row[place['seed']] == trial.seed
    lost = sum(held['words']['status'][row[place['status']]] == 'diverged' for row in held['rows'])
    assert lost == sum(record['status'] == 'diverged' for record in records.values()) > 0


def test_records_that_are_no_longer_planned_stay_visible():
    study, planned, records, manifest, findings = data()
    extra = {**records, 'old': {'id': 'old', 'arm': 'gone', 'task': 'digits', 'status': 'failed', 'reason': 'no memory'}}
    held = trials(Reading(study, planned, extra))
    row = held['rows'][-1]
    assert row[-1] == 'old' and held['words']['phase'][row[2]] == 'not planned' and held['words']['arm'][row[0]] == 'gone'
    assert 'no longer planned' in bare(Reading(study, planned, extra, manifest), findings, [])


def test_scores_of_domains_have_columns_where_a_record_has_them():
    study, planned, records, *_ = data()
    plain = trials(Reading(study, planned, records))
    first, second = list(records)[:2]
    mixed = {**records, first: {**records[first], 'parts': {'zinc': 1.23456789, 'tales': None}}}
    held = trials(Reading(study, planned, mixed))
    place = held['columns'].index('score on zinc')
    assert held['columns'] == [*plain['columns'][:place], 'score on zinc', 'score on tales', *plain['columns'][place:]]
    rows = {row[-1]: row for row in held['rows']}
    assert rows[first][place : place + 2] == [1.23457, None] and rows[second][place : place + 2] == [None, None]
    assert all(len(row) == len(held['columns']) for row in held['rows'])
    assert [row[:place] + row[place + 2 :] for row in held['rows']] == plain['rows']


def test_text_of_records_cannot_break_the_page():
    study, planned, records, manifest, findings = data()
    spoiled = copy.deepcopy(records)
    first = next(iter(spoiled.values()))
    first |= {'status': 'failed', 'reason': '</script><script>alert(1)</script>', 'environment': {'source': '<i>'}}
    html = bare(Reading(study, planned, spoiled, manifest), findings, CHECKLIST)
    assert '<script>alert' not in html and '<i>' not in html
    assert '</script><script>alert(1)</script>' in embedded(html)['words']['note']


def test_checklist_is_shown_with_its_answers():
    for wanted in ('equal budgets', '>holds<', '>fails<', '>not known<', 'one &amp; only &lt;one&gt;'):
        assert wanted in page()


def test_recipes_are_shown():
    study, planned, *_ = data()
    chosen = planned.selections['rms_norm', 'digits', 0]
    row = next(r for r in recipes_grid(Reading(study, planned, {}))['rows'] if r[:3] == ['rms_norm', 'digits', '0'])
    assert row[3:5] == [
        chosen.optimizer,
        f'lr {dict(chosen.knobs)["lr"]:.3g}, weight_decay {dict(chosen.knobs)["weight_decay"]:.3g}',
    ]
    assert row[5].startswith(f'{100 * chosen.score:.1f} ± ') and row[6] == chosen.how and row[7] == '140 of 64'
    assert all(cell in page() for cell in row)


def test_what_selection_gained_is_shown():
    study, planned, records, *_ = data()
    rows = {row[0]: row[1:] for row in regret_grid(Reading(study, planned, records))['rows']}
    lost = {one.task: one for one in regrets(Reading(study, planned, records))}
    assert set(rows) == set(lost) and lost
    for task, (selected, best, gain, cases) in rows.items():
        metric = study.task(task).metric
        assert (selected, best) == (number(lost[task].selected, metric), number(lost[task].best_trial, metric))
        assert gain.startswith(number(lost[task].gain, metric, True)) and cases == str(lost[task].cases)
    assert 'Regret: how far below the best point' in words()


def test_the_ledger_is_shown_with_what_is_unequal():
    study, planned, records, manifest, _ = data()
    budgets, equality, reads = ledger_grid(Reading(study, planned, records, manifest))
    tuned = sum(
        len(trials)
        for (phase, arm, task, _), trials in planned.asked.items()
        if (phase, arm, task) == ('tune', 'no_mixer', 'digits')
    )
    row = next(row for row in budgets['rows'] if row[:3] == ['no_mixer', 'digits', 'tune'])
    assert row[3:5] == [f'{tuned}', f'{tuned}'] and row[6] == f'{tuned * 140:,}'
    assert budgets['rows'][-1][:3] == ['all arms', 'all tasks', 'all phases']
    assert budgets['rows'][-1][4] == f'{len(records):,}'
    assert {row[2] for row in equality['rows']} == {'equal'}
    assert [row[0] for row in reads['rows']] == ['digits', 'stdlib_bytes'] and reads['rows'][0][2] == '10'
    asked = {key: trials[:-1] if key[:3] == ('tune', 'no_mixer', 'digits') else trials for key, trials in planned.asked.items()}
    uneven = ledger_grid(Reading(study, dataclasses.replace(planned, asked=asked), records, manifest))[1]
    assert [row[:3] for row in uneven['rows'] if row[2] != 'equal'] == [['digits', 'tune', 'unequal']]


def test_expected_best_windows_and_fronts_are_shown():
    study, planned, records, manifest, _ = data()
    expected = expected_grid(Reading(study, planned, records))
    assert [name for name, _ in expected['columns'][2:]] == ['2 trials', '4 trials', '8 trials', '16 trials']
    assert len(expected['rows']) == len(study.arms) * 2 and len(expected['notes']) == 2
    assert all('the order of the arms is final from' in note for note in expected['notes'])
    assert all(re.search(r'it stays first in \d+% of redrawn replicates', note) for note in expected['notes'])
    best = []
    for replicate in range(3):
        scores = [records[t.id]['score'] for t in planned.asked['tune', 'no_mixer', 'digits', replicate]]
        best.append(100 * max(score for score in scores if score is not None))
    row = next(row for row in expected['rows'] if row[:2] == ['no_mixer', 'digits'])
    assert row[-1].startswith(f'{sum(best) / 3:.1f} [')
    rates = rates_grid(Reading(study, planned, records))
    assert len(rates['rows']) == len(study.arms) * 2 * 2
    chosen = [planned.selections['rms_norm', 'digits', r].optimizer for r in range(3)]
    row = next(row for row in rates['rows'] if row[:3] == ['rms_norm', 'digits', 'sgd'])
    assert row[-1] == f'{chosen.count("sgd")} of 3'
    fronts = pareto_grid(Reading(study, planned, records, manifest))
    row = next(row for row in fronts['rows'] if row[:3] == ['rms_norm', 'digits', 'parameters'])
    assert row[3] == '10.1k' and row[5] in ('yes', 'no') and row[7] in ('front', 'possible', 'dominated')
    for grid in (expected, rates, fronts):
        assert {len(row) for row in grid['rows']} == {len(grid['columns'])}
        assert grid['caption'] in page()


def test_factors_have_a_section_of_their_own():
    text = words('factorial')
    for wanted in ('norm: rms x mixer: no_mixer', 'main effect', 'The combinations of levels', 'Holm over 6 effects'):
        assert wanted in text and wanted not in words()


def test_every_figure_that_applies_is_there_and_no_other(monkeypatch):
    monkeypatch.setattr('results.report.inline_figures.rendered', lambda *_: b'<svg width="1pt" height="1pt"></svg>')
    path = report(*read(*small('path')), CHECKLIST)
    assert re.findall(r'aria-label="Figure \d+, (\w[\w ]*)"', path)[:3] == ['effect', 'verdicts', 'lr']
    assert ', path"' in path and ', path"' not in page()
    assert path.count('<figure>') == path.count('<figcaption>') == path.count('<svg') - path.count('<svg class="spot"')
    spots = page().count('<svg class="spot"')
    assert page().count('<figure>') == page().count('<figcaption>') == page().count('<svg') - spots and spots == 8
    assert 'Figures that this study has nothing for' in page() and '<li>path: ' in page()


def test_how_to_reproduce_is_said_with_the_settings_of_the_run():
    study = data()[0]
    assert 'archlab run small_one_swap --set trials=8' in page() and study.digest in page()
    assert 'archlab run small_one_swap --trial ID' in page()


def test_unfinished_and_diverged_studies_have_a_page():
    study, planned, records, manifest, effects = small(share=0.25)
    html = bare(Reading(study, planned, records, manifest), effects, [])
    assert 'nothing is claimed' in html and 'None' not in text_of(html)
    assert 'Nothing is claimed: unfinished' in html and 'Missing on digits, of the runs planned so far:' in html
    nothing = Reading(study, schedule(study, {}, {}), {})
    assert 'Nothing is known yet: selected recipes' in bare(nothing, findings(nothing), [])
    lost = bare(*read(*data(cliff=-9.0)), [])
    assert 'Nothing can be concluded: every tuning run' in lost
    assert 'every tuning run diverged or failed' in lost


def test_one_recipe_for_all_is_called_a_fallacy_first():
    text = text_of(bare(*read(*small(recipe='same')), []))
    assert text.index('usual fallacy') < text.index('Verdicts')
    assert 'both at the recipe of the base' in text and 'each at its own best recipe' not in text


def test_a_study_of_one_arm_has_a_page():
    study = study_of('one_swap', arms={'base': ()})
    planned = schedule(study, {}, {})
    assert 'one arm only' in bare(Reading(study, planned, {}), [], [])


def test_sentence_says_the_effect_once_and_marks_censoring():
    one = next(one for one in data()[-1] if one.arm == 'no_mixer')
    text = sentence(dataclasses.replace(one, verdict='worse', censored=('adamw lr high',)))
    assert text.startswith(f'no_mixer against layer_norm on {one.task}: worse, censored. no_mixer ')
    assert ' −' in text and 'points [' in text and 'over 3 replicates of 4 seeds' in text
    assert text.count('adjusted p') == 1
    assert 'Censored: the optimum of no_mixer lies at the edge of its range (adamw lr high).' in text


MEANT = [
    (dict(verdict='better', effect_interval=(0.02, 0.04)), 'better by more than the margin of 1.0 points'),
    (dict(verdict='worse', effect_interval=(-0.04, -0.02)), 'worse by more than the margin'),
    (dict(verdict='better', effect_interval=(0.005, 0.04)), 'better; that it exceeds the margin of 1.0 points is not shown'),
    (dict(verdict='worse', negligible=True), 'it hardly matters'),
    (dict(verdict='equivalent'), 'either may be used'),
    (dict(verdict='undecided', detectable=0.031, needed=40), 'effects below 3.1 points would likely be missed, and about 40'),
    (dict(verdict='undecided', detectable=0.031, needed=None), 'more than 1,000 replicates'),
    (dict(verdict='undecided', detectable=None, reason='zero variance'), 'Nothing is claimed: zero variance.'),
    (dict(verdict='not comparable', reason='unequal budgets'), 'Nothing can be concluded: unequal budgets.'),
]


@pytest.mark.parametrize(('fields', 'wanted'), MEANT, ids=[str(i) for i in range(len(MEANT))])
def test_verdicts_say_what_they_mean(fields, wanted):
    one = next(one for one in data()[-1] if one.task == 'digits')
    assert wanted in meaning(dataclasses.replace(one, **{'negligible': False, **fields}))


def test_sentence_says_what_one_recipe_for_all_would_have_concluded():
    one = next(one for one in data()[-1] if one.arm == 'rms_norm' and one.task == 'digits')
    other = dataclasses.replace(one, verdict='better', shared_verdict='worse')
    assert 'would have concluded "worse", which is not what was found' in sentence(other)
    assert 'would have concluded "better", the same' in sentence(dataclasses.replace(other, shared_verdict='better'))
    unsure = dataclasses.replace(other, verdict='equivalent', shared_verdict='undecided')
    assert 'would have concluded "undecided": ' in sentence(unsure)
    assert 'would have concluded' not in sentence(other, recipe='same')


def joint(*shapes: str, checklist: list[dict] = CHECKLIST) -> str:
    parts = [read(*small(shape)) for shape in shapes]
    return joint_page([(reading, Conclusions(effects, study_facts(reading, effects)), checklist) for reading, effects in parts])


def test_several_studies_share_one_page():
    html, said = joint('one_swap', 'path'), text_of(joint('one_swap', 'path'))
    parsed = Parsed(html)
    assert parsed.wrong == [] and parsed.open == [] and len(parsed.ids) == len(set(parsed.ids))
    assert html == joint('one_swap', 'path') and "default-src 'none'" in html
    links = [attributes['href'][1:] for tag, attributes in parsed.attributes if tag == 'a']
    assert links == ['main', 'small_one_swap', 'small_path'] and set(links) <= set(parsed.ids)
    levels = [int(tag[1]) for tag, _ in parsed.attributes if re.fullmatch(r'h[1-6]', tag)]
    assert levels == [1, 2, 2] and html.count('<table') == html.count('<caption>')
    assert said.count('planned runs are recorded') == 2 and said.count('How to read this') == 1
    assert said.count('Rules of a fair comparison that fail, of 3 checked: two datasets.') == 2
    assert '2 of 3 rules of a fair comparison hold, none fails.' in joint('path', checklist=[*CHECKLIST[::2], CHECKLIST[0]])


def test_a_study_is_given_to_a_page_once():
    with pytest.raises(ValueError, match="study 'small_path' is given 2 times; give each study once"):
        joint('path', 'path')


@pytest.mark.parametrize(
    ('checklist', 'said'),
    [
        ([], 'No rule of a fair comparison was checked.'),
        (CHECKLIST, 'Rules of a fair comparison that fail, of 3 checked: two datasets.'),
        ([CHECKLIST[0], CHECKLIST[2]], '1 of 2 rules of a fair comparison hold, none fails.'),
        (CHECKLIST[:1], '1 of 1 rules of a fair comparison hold, none fails.'),
        ([{**CHECKLIST[1], 'rule': rule} for rule in 'ab'], 'that fail, of 2 checked: a; b.'),
    ],
)
def test_a_joint_page_counts_the_rules_that_hold(checklist, said):
    assert said in text_of(joint('one_swap', checklist=checklist))


def test_an_environment_with_many_values_is_cut():
    values = [f'{number:02}' for number in range(10)] + ['03']
    records = {
        str(place): {'environment': {'commit': value, 'versions': {'b': 1, 'a': 2}}} for place, value in enumerate(values)
    }
    grid = environment_grid({**records, 'none': {'environment': None}, 'lacks': {}})
    rows = [row for row in grid['rows'] if row[0] == 'commit']
    assert rows[0] == ['commit', '03', '2'] and [row[1] for row in rows[1:3]] == ['00', '01'], 'the most frequent first'
    assert len(rows) == 9 and rows[-1] == ['commit', 'and 2 more values', '']
    assert grid['rows'][-1] == ['versions', '{"a": 2, "b": 1}', '11']
    few = environment_grid({key: records[key] for key in list(records)[:8]})
    assert len([row for row in few['rows'] if row[0] == 'commit']) == 8 and 'more values' not in str(few['rows'])


def test_a_row_of_the_trial_table_has_what_the_record_says():
    study, planned, records, *_ = data()
    first = planned.trials[0].id
    odd = {**records[first], 'status': 'diverged', 'score': None, 'diverged_at': 0, 'reason': '', 'cost': None}
    odd |= {'initial_loss': 2.123456789, 'final_loss': None}
    held = trials(Reading(study, planned, {first: odd}))
    (row,) = held['rows']
    told = dict(zip(held['columns'], row, strict=True))
    assert held['words']['note'] == ['at step 0'] and held['words']['status'] == ['diverged'] and row[0] == 0
    assert (told['score'], told['initial loss'], told['final loss'], told['seconds']) == (None, 2.12346, None, None)
    both = trials(Reading(study, planned, {first: {**odd, 'reason': 'left'}}))
    assert both['words']['note'] == ['left; at step 0']
    assert trials(Reading(study, planned, {first: {**odd, 'diverged_at': None}}))['words']['note'] == ['']


@pytest.mark.parametrize(('seconds', 'told'), [(0.04, '0.0'), (99.94, '99.9'), (100.0, '100'), (12345.6, '12,346')])
def test_long_times_are_told_in_whole_seconds(seconds, told):
    study, planned, records, manifest, _ = data()
    first = planned.trials[0].id
    one = {first: {**records[first], 'cost': {**records[first]['cost'], 'seconds': seconds}}}
    rows = ledger_grid(Reading(study, planned, one, manifest))[0]['rows']
    assert rows[0][9] == told and rows[-1][9] == told and rows[-1][:3] == ['all arms', 'all tasks', 'all phases']
