"""Audit: statistics of published means against scipy's on runs, what rounding leaves open, rules, and input that is refused."""

import csv
import dataclasses
import io
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from audited_tables import audited, broken, by_name
from rich.console import Console
from scipy import stats

from results.audit.comparisons import LINE, audit, difference, pairs_of, rounding, verdict
from results.audit.input import Row, columns_of, read
from results.audit.views import FORMATS, note, number, table, terminal

ROADMAP = Path(__file__).parents[3] / 'results' / 'published' / 'convnext_roadmap.csv'
REGIME = 'ResNet-50 regime'


def holm(p_values: list[float]) -> list[float]:
    """By its definition as a closed test of Bonferroni tests: the worst of all families that hold the hypothesis."""
    m = len(p_values)
    families = [s for size in range(1, m + 1) for s in itertools.combinations(range(m), size)]
    return [max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in families if i in s) for i in range(m)]


def test_the_roadmap_reads_as_its_statistics_say():
    effects = {one.arm: one for one in audit(read(ROADMAP)) if one.task == REGIME}
    verdicts = {arm: one.verdict for arm, one in effects.items()}
    # Update only if you meant to change the test, the family or the line: it is the paper's table that stands still.
    assert verdicts == {
        'enhanced_recipe': 'cannot be said',
        'stage_ratio': 'separates',
        'patchify_stem': 'does not separate',
        'depthwise_conv': 'separates',
        'increase_width': 'separates',
        'inverting_dimensions': 'separates',
        'move_up_depthwise_conv': 'separates',
        'kernel_5': 'separates',
        'kernel_7': 'does not separate',
        'kernel_9': 'does not separate',
        'kernel_11': 'does not separate',
        'gelu': 'does not separate',
        'fewer_activations': 'on the line',
        'fewer_norms': 'does not separate',
        'layer_norm': 'does not separate',
        'separate_downsampling': 'separates',
    }
    assert [arm for arm, one in effects.items() if one.depends_on_rounding] == ['inverting_dimensions', 'fewer_activations']
    assert effects['gelu'].against == 'kernel_7' and effects['kernel_11'].against == 'kernel_9'
    assert 'original_recipe has no sd and no n' in effects['enhanced_recipe'].reason
    assert 'same recipe' in broken(effects['enhanced_recipe']) and 'same recipe' not in broken(effects['stage_ratio'])
    assert all('not a path of choices' in broken(one) for one in effects.values())


def test_the_other_regime_cannot_be_tested():
    effects = [one for one in audit(read(ROADMAP)) if one.task != REGIME]
    assert len(effects) == 16
    assert {one.verdict for one in effects} == {'cannot be said'} and {one.p_adjusted for one in effects} == {None}
    assert effects[1].effect == pytest.approx(81.33 - 81.14)


def test_the_road_is_the_paper_s():
    """Of both columns: the steps in order, and the ends that the paper's text names."""
    rows = list(csv.DictReader(ROADMAP.read_text().splitlines()))
    assert len(rows) == 34
    first, second = ([row for row in rows if row['task'] == task] for task in (REGIME, 'ResNet-200 regime'))
    assert [row['arm'] for row in first] == [row['arm'] for row in second]
    assert [(row['value'], row['gflops']) for row in (first[0], first[-1])] == [('76.13', '4.09'), ('81.97', '4.49')]
    assert [(row['value'], row['gflops']) for row in (second[0], second[-1])] == [('78.20', '15.01'), ('83.60', '15.35')]
    assert sum(float(row['sd'] or 0) for row in first) == pytest.approx(1.36)


RUNS = {
    'base': (78.1, 78.5, 77.9, 78.2),
    'near': (78.3, 78.0, 78.6),
    'far': (80.1, 80.4, 80.9),
    'wild': (79.0, 83.0, 81.0, 75.0, 84.0),
}


def test_runs_and_their_summaries_say_the_same_as_welch_on_the_runs(tmp_path: Path):
    long = ['arm,seed,value'] + [f'{arm},{i},{value}' for arm, values in RUNS.items() for i, value in enumerate(values)]
    short = ['arm,value,sd,n'] + [f'{a},{np.mean(v):.15f},{np.std(v, ddof=1):.15f},{len(v)}' for a, v in RUNS.items()]
    tests = {arm: stats.ttest_ind(RUNS[arm], RUNS['base'], equal_var=False) for arm in ('near', 'far', 'wild')}
    adjusted = holm([test.pvalue for test in tests.values()])
    for text in (long, short):
        effects = by_name(audited(tmp_path, '\n'.join(text), 'first'))
        assert list(effects) == list(tests)
        for (arm, test), expected in zip(tests.items(), adjusted, strict=True):
            assert effects[arm].p == pytest.approx(test.pvalue, rel=1e-9)
            assert effects[arm].p_adjusted == pytest.approx(expected, rel=1e-9)
            assert effects[arm].interval == pytest.approx(tuple(test.confidence_interval(0.95)), rel=1e-9)
            assert effects[arm].n == len(RUNS[arm])


def test_runs_of_the_same_seeds_are_compared_in_pairs(tmp_path: Path):
    rng = np.random.default_rng(3)
    base = 70 + 3 * rng.normal(size=8)
    mine = base + 0.6 + 0.1 * rng.normal(size=8)
    rows = [f'base,{seed},{value:.3f}' for seed, value in enumerate(base)]
    rows += [f'mine,{seed},{value:.3f}' for seed, value in reversed(list(enumerate(mine)))]
    (one,) = audited(tmp_path, '\n'.join(['arm,seed,value', *rows]))
    test = stats.ttest_rel(mine.round(3), base.round(3))
    assert one.p == pytest.approx(test.pvalue, rel=1e-9) and one.pairs == 8 and 'paired by their seeds' in one.reason
    assert one.interval == pytest.approx(tuple(test.confidence_interval(0.95)), rel=1e-9) and one.verdict == 'separates'
    assert one.p_low <= one.p <= one.p_high < 1e-4
    (other,) = audited(tmp_path, '\n'.join(['arm,run,value', *rows]))
    assert other.pairs == 0 and other.p > 0.5, 'runs that are only numbered are no pairs'
    (fewer,) = audited(tmp_path, '\n'.join(['arm,seed,value', *rows[:-1]]))
    assert fewer.pairs == 0
    (same,) = audited(tmp_path, '\n'.join(['arm,seed,value', 'a,1,1.0', 'a,2,2.0', 'b,1,1.5', 'b,2,2.5']))
    assert same.verdict == 'zero variance'


def test_columns_may_be_called_as_in_the_file(tmp_path: Path):
    path = tmp_path / 'table.csv'
    path.write_text('Model,Top1,std,runs,arm,remark\nbase,96.0,0.2,5,x,y\nmine,96.8,0.3,5,x,y\n')
    columns = columns_of(['arm=model, value=top1', 'sd=std,n=runs'])
    assert columns_of([' arm = model , value=top1', 'sd\t= std,n =runs ']) == columns
    assert [(row.arm, row.value, row.sd, row.n) for row in read(path, columns=columns)] == [
        ('base', 96.0, 0.2, 5),
        ('mine', 96.8, 0.3, 5),
    ]
    with pytest.raises(ValueError, match=r"unknown column 'model' .*--columns arm="):
        read(path)
    with pytest.raises(ValueError, match=r"no column 'modl' in .*Did you mean 'Model'"):
        read(path, columns={'arm': 'modl'})
    for text in ('arm', 'amr=model', 'arm=a,arm=b', '=x'):
        with pytest.raises(ValueError, match='allowed: OURS=THEIRS'):
            columns_of([text])


def test_detectable_is_found_with_80_percent_power(tmp_path: Path):
    one = by_name(audited(tmp_path, 'arm,value,sd,n\na,1.00,0.3,4\nb,1.10,0.1,6\nc,1.2,0.2,5\n', 'first'))['b']
    parts = 0.1**2 / 6, 0.3**2 / 4
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 5 + parts[1] ** 2 / 3)
    critical = stats.t.ppf(1 - 0.05 / 2 / 2, freedom)  # two comparisons
    assert 1 - stats.nct.cdf(critical, freedom, one.detectable / math.sqrt(sum(parts))) == pytest.approx(0.8, abs=1e-6)


def test_numbers_that_print_the_same_stay_within_what_rounding_leaves_open():
    """Draw what may have been printed as the table: no adjusted p leaves its bounds, and verdicts change where it says so."""
    rows = [row for row in csv.DictReader(ROADMAP.read_text().splitlines()) if row['task'] == REGIME and row['sd']]
    index = {row['arm']: i for i, row in enumerate(rows)}
    effects = [one for one in audit(read(ROADMAP)) if one.p is not None]
    pairs = [(index[one.arm], index[one.against]) for one in effects]
    means, deviations = (np.array([float(row[name]) for row in rows]) for name in ('value', 'sd'))
    random, changed, seen = np.random.default_rng(3), set(), []
    for _ in range(400):
        moved = means + random.uniform(-0.005, 0.005, len(rows))
        spread = deviations + random.choice([-0.005, 0.0, 0.005], len(rows))
        p = np.array(
            [stats.ttest_ind_from_stats(moved[a], spread[a], 3, moved[b], spread[b], 3, False).pvalue for a, b in pairs]
        )
        order = np.argsort(p)
        adjusted = np.empty(len(p))
        adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
        seen.append(adjusted)
    for one, values in zip(effects, np.array(seen).T, strict=True):
        assert one.p_low - 1e-12 <= values.min() and values.max() <= one.p_high + 1e-12, one.arm
        assert one.p_low <= one.p_adjusted <= one.p_high
        side = {'separates': values < 0.04, 'does not separate': values > 0.06}
        if one.verdict in side and not side[one.verdict].all():
            changed.add(one.arm)
    assert changed == {'inverting_dimensions'}


def test_a_deviation_as_small_as_its_last_digit_depends_on_rounding(tmp_path: Path):
    coarse = 'arm,value,sd,n\na,80.50,0.01,3\nb,80.57,0.02,3\n'
    fine = 'arm,value,sd,n\na,80.5000,0.0100,3\nb,80.5700,0.0200,3\n'
    assert audited(tmp_path, coarse)[0].depends_on_rounding
    assert not audited(tmp_path, fine)[0].depends_on_rounding
    # A spreadsheet that drops end zeros does not make a number coarser than its neighbours.
    dropped = 'arm,value,sd,n\na,80.5,0.07,3\nb,82.14,0.1,3\n'
    with_zeros = 'arm,value,sd,n\na,80.50,0.07,3\nb,82.14,0.10,3\n'
    assert audited(tmp_path, dropped)[0].p_high == audited(tmp_path, with_zeros)[0].p_high


def test_values_a_digit_apart_may_be_the_same(tmp_path: Path):
    """78.1 and 78.2 may both be 78.15; a digit more apart they are not the same, whatever was left out."""
    near, far = (audited(tmp_path, f'arm,value,sd,n\na,78.1,0.10,3\nb,{value},0.10,3\n')[0] for value in ('78.2', '78.3'))
    assert near.p_high == 1 and far.p_high < 1
    runs = 'arm,seed,value\na,1,78.1\na,2,78.5\nb,1,{}\nb,2,{}\n'
    near, far = (audited(tmp_path, runs.format(*values))[0] for values in (('78.2', '78.6'), ('78.3', '78.8')))
    assert near.p_high == 1 and far.p_high < 1 and near.pairs == far.pairs == 2


def test_a_deviation_of_0_is_as_coarse_as_the_values_beside_it(tmp_path: Path):
    bare, full = (audited(tmp_path, f'arm,value,sd,n\na,80.00,{sd},3\nb,80.02,{sd},3\n')[0] for sd in ('0', '0.00'))
    # p is greatest with one deviation at its end and the other below it: more noise, but more degrees of freedom too.
    spread = np.linspace(1e-5, 0.005, 200)
    greatest = stats.ttest_ind_from_stats(0.01, 0.005, 3, 0, spread, 3, equal_var=False).pvalue.max()
    assert bare.p_high == full.p_high == pytest.approx(greatest, rel=0.01)


def test_runs_that_print_the_same_stay_within_what_rounding_leaves_open(tmp_path: Path):
    """Runs as printed, and those off by half of the last digit that spread the most and the least."""
    runs = {'a': [0.1, 0.3, 0.2, 0.4], 'b': [0.5, 0.4, 0.8, 0.7]}
    text = 'arm,run,value\n' + ''.join(f'{arm},{i},{value}\n' for arm, values in runs.items() for i, value in enumerate(values))
    one = audited(tmp_path, text)[0]
    wide = {arm: np.array(values) + 0.05 * np.sign(np.array(values) - np.mean(values)) for arm, values in runs.items()}
    narrow = {arm: 2 * np.array(runs[arm]) - values for arm, values in wide.items()}
    p = [stats.ttest_ind(values['b'], values['a'], equal_var=False).pvalue for values in (narrow, runs, wide)]
    assert one.p == pytest.approx(p[1]) and one.p_low < p[0] < p[1] < p[2] < one.p_high
    # Runs that spread the most have a deviation at the end that is left open, so that only the means are still to move.
    ends = [np.std(values, ddof=1) for values in wide.values()]
    furthest = stats.ttest_ind_from_stats(0.35 - 0.1, ends[1], 4, 0, ends[0], 4, equal_var=False).pvalue
    assert furthest <= one.p_high * 1.001 < furthest * 1.1


def test_numbers_have_six_digits_before_they_are_printed():
    assert number(1 / 3, 9) == '0.333333000' and number(-0.0001, 2, signed=True) == '0.00'


def test_no_variance_is_a_stated_verdict_and_counts_in_the_family(tmp_path: Path):
    text = 'arm,value,sd,n\na,80.00,0.00,3\nb,80.00,0.00,3\nc,81.00,0.00,3\nd,81.50,0.10,3\n'
    same, differ, tested = audited(tmp_path, text)
    assert same.verdict == differ.verdict == 'zero variance'
    told = 'a deviation of 0 on both sides, so no test is defined; {}; adjusted p: '
    told += 'with the digits left out in print it lies between {}'
    assert same.reason == told.format('both means are the same', f'{same.p_low:.2g} and {same.p_high:.2g}')
    assert differ.reason == told.format('the means differ by +1', f'{differ.p_low:.2g} and {differ.p_high:.2g}')
    assert same.p is differ.p is differ.interval is differ.detectable is None
    # 80.00 with a deviation printed as 0.00 against 81.00: however it was rounded, they are apart.
    assert not differ.depends_on_rounding and differ.p_high < 0.001
    # One side without deviation is Welch's test with the freedom of the other.
    p = stats.ttest_1samp([81.4, 81.5, 81.6], 81.0).pvalue
    assert tested.p == pytest.approx(p) and tested.p_adjusted == pytest.approx(3 * p)
    for form in FORMATS:
        assert 'nan' not in table([same, differ, tested], form, 0.05).lower()


def test_runs_that_are_all_alike_have_no_variance(tmp_path: Path):
    text = 'arm,run,value\n' + ''.join(f'{arm},{i},0.1\n' for arm in 'ab' for i in range(3))
    assert audited(tmp_path, text)[0].verdict == 'zero variance'


@pytest.mark.parametrize(
    ('p', 'expected'),
    [(0.0399, 'separates'), (0.0401, 'on the line'), (0.0599, 'on the line'), (0.0601, 'does not separate')],
)
def test_the_line(tmp_path: Path, p: float, expected: str):
    """One comparison with exactly this p: the effect is chosen so."""
    effect = stats.t.isf(p / 2, 4) * math.sqrt(2 / 3)
    one = audited(tmp_path, f'arm,value,sd,n\na,0,1.00000000,3\nb,{effect:.8f},1.00000000,3\n')[0]
    assert one.p == pytest.approx(p, abs=1e-6) and one.verdict == expected
    assert ('neither reading is safe' in one.reason) == (expected == 'on the line')


def test_lower_is_better_turns_the_effect_and_nothing_else(tmp_path: Path):
    text = 'arm,value,sd,n\nbase,3.00,0.05,3\ngood,2.80,0.05,3\n'
    up, down = audited(tmp_path, text)[0], audited(tmp_path, text, lower_is_better=True)[0]
    given = audited(tmp_path, 'arm,value,sd,n,direction\nbase,3.00,0.05,3,lower\ngood,2.80,0.05,3,lower\n')[0]
    assert up.effect == pytest.approx(-0.2) and down.effect == given.effect == pytest.approx(0.2)
    assert up.p == down.p == given.p and down.interval == pytest.approx((-up.interval[1], -up.interval[0]))


AGAINST = 'arm,value,sd,n,against,basis\na,1,1,3,-,\nb,2,1,3,,c\nc,3,1,3,a,a\n'


@pytest.mark.parametrize(
    ('against', 'column', 'expected'),
    [
        (None, None, [('b', 'a'), ('c', 'a')]),
        ('previous', None, [('b', 'a'), ('c', 'b')]),
        ('first', None, [('b', 'a'), ('c', 'a')]),
        (None, 'basis', [('b', 'c'), ('c', 'a')]),
    ],
)
def test_what_is_compared_with_what(tmp_path: Path, against: str | None, column: str | None, expected: list):
    text = AGAINST if column else AGAINST.replace(',basis', '').replace(',-,', ',-').replace(',,c', ',').replace('a,a', 'a')
    assert [(one.arm, one.against) for one in audited(tmp_path, text, against, column=column)] == expected


@pytest.mark.parametrize(
    ('cells', 'missing'),
    [
        ('a,1.0,0.1,3|b,2.0,,3', 'b has no sd'),
        ('a,1.0,0.1,|b,2.0,0.1,3', 'a has no n'),
        ('a,1.0,,|b,2.0,,', 'no sd and no n on either side'),
        ('a,-,0.1,3|b,2.0,0.1,3', 'a has no value'),
        ('a,1.0,,1|b,2.0,0.1,3', 'a has one run, and so no deviation'),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, cells: str, missing: str):
    one = audited(tmp_path, 'arm,value,sd,n\n' + cells.replace('|', '\n'))[0]
    assert one.verdict == 'cannot be said' and one.reason == missing and one.p_adjusted is None
    assert one.pairs == 0 and not one.depends_on_rounding
    assert 'Holm over 0 testable comparisons' in note([one], 0.05) and 'power at 5% / 1.' in note([one], 0.05)
    assert broken(one)['noise is given'] == missing


def test_every_format_says_the_same_and_the_same_again():
    effects, again = audit(read(ROADMAP)), audit(read(ROADMAP))
    for form in FORMATS:
        assert table(effects, form, 0.05) == table(again, form, 0.05)
    data = json.loads(table(effects, 'json', 0.05))
    flat = list(csv.DictReader(io.StringIO(table(effects, 'csv', 0.05))))
    assert data['family'] == 15 and len(data['comparisons']) == len(flat) == 32
    for row, line in zip(data['comparisons'], flat, strict=True):
        assert (row['arm'], row['verdict']) == (line['arm'], line['verdict'])
        assert line['p_adjusted'] == ('' if row['p_adjusted'] is None else str(row['p_adjusted']))
        assert row['effect'] is None or row['effect'] == float(f'{row["effect"]:.6g}')
    page = table(effects, 'md', 0.05)
    line = next(line for line in page.splitlines() if '| increase_width | depthwise_conv' in line)
    assert '2.24× | 80.50 ± 0.02, n 3 | +2.22 [+2.04, +2.40] | 0.003 | 0.82 | separates | size 2.24×' in line
    screen = Console(file=io.StringIO(), width=80, record=True)
    screen.print(terminal(effects, 0.05))
    shown = ' '.join(screen.export_text().split())
    for text in (' '.join(page.split()), shown):
        assert '7 of 15 testable comparisons separate' in text and '1 on the line (fewer_activations +0.65' in text
        assert 'on rounding depend: inverting_dimensions, fewer_activations' in text
        assert 'It does not show that the 7 that do not separate make no difference' in text


def test_one_comparison_is_spoken_of_as_one(tmp_path: Path):
    page = table(audited(tmp_path, 'arm,value,sd,n\na,1.0,0.2,3\nb,1.1,0.2,3\n'), 'md', 0.05)
    assert 'none of 1 testable comparison separate' in page and '| compared on one task only | b |' in page
    assert 'It does not show that the one that does not separate makes no difference: only effects of about 0.6' in page


def test_what_a_table_says_is_neither_run_nor_rendered(tmp_path: Path):
    rows = 'arm,value,sd,n,task\n"[b](javascript:c) | <img src=x>",1,.1,5,"<script>"\n"\uff1d1+1",2,.1,5,"<script>"\n'
    comparisons = audited(tmp_path, rows)
    text = table(comparisons, 'md', 0.05)
    assert '<img' not in text and '<script' not in text and '](' not in text and 'c) \\|' in text
    (row,) = csv.DictReader(io.StringIO(table(comparisons, 'csv', 0.05)))
    assert row['arm'] == "'\uff1d1+1"


def test_a_deviation_of_rounding_is_none_beside_whichever_value_is_the_larger():
    large, none = Row('a', 'digits', 2, value=1e6, sd=1e-8, n=5), Row('b', 'digits', 3, value=0.0, sd=0.0, n=5)
    for one, other in ((large, none), (none, large)):
        assert difference(one, other).error == 0 and rounding(one, other) == (0.0, 0.0)
    runs = [tuple((str(seed), value + 1e-9 * seed) for seed in range(3)) for value in (1e6, 0.0)]
    pair = [dataclasses.replace(one, runs=own, sd=1e-9, n=3) for one, own in zip((large, none), runs, strict=True)]
    assert difference(*pair).error == 0 == difference(*reversed(pair)).error


def test_runs_are_paired_in_the_order_of_their_seeds():
    one, other = (
        Row(name, 'digits', 2, value=2.0, runs=runs)
        for name, runs in (('a', (('2', 5.0), ('1', 3.0))), ('b', (('1', 4.0), ('2', 7.0))))
    )
    assert pairs_of(one, other) == [(3.0, 4.0), (5.0, 7.0)]
    assert pairs_of(one, Row('c', 'digits', 4, value=1.0, runs=(('1', 1.0), ('3', 1.0)))) == []


def test_the_ends_of_the_line_are_on_it():
    assert [verdict(share * 0.05, 0.05) for share in (1 - LINE, 1 + LINE)] == ['on the line'] * 2
    assert verdict(np.nextafter((1 - LINE) * 0.05, 0), 0.05) == 'separates'
    assert verdict(np.nextafter((1 + LINE) * 0.05, 1), 0.05) == 'does not separate'
