"""Rules of a fair comparison: each is broken by its breach alone, and what a table does not say is not called broken."""

from pathlib import Path

import pytest
from audited_tables import audited, broken, by_name, states

from results.audit.views import table

HEAD = 'arm,task,dataset,value,sd,n,gflops,params,recipe,selected_on,reported_on,trials,tuned'


FAIR = ('x,t,D,1.00,0.1,3,4,10,r,val,test,8,yes', 'y,t,D,2.00,0.1,3,4,10,r,val,test,8,yes')


FAIR_TOO = tuple(line.replace(',t,D,', ',u,E,') for line in FAIR)


UNFAIR = [
    ('enough runs', (',2.00,0.1,3,', ',2.00,0.1,2,'), '2 runs on a side'),
    ('same recipe', (',r,val', ',s,val'), "recipe 's'"),
    ('similar size', (',4,10,', ',4.3,10,'), '1.07× the GFLOPs'),
    ('similar size', (',4,10,', ',4,9,'), '0.90× the parameters'),
    ('each at its own best recipe', (',8,yes', ',0,yes'), 'not tuned: y'),
    ('each at its own best recipe', (',8,yes', ',8,no'), 'not tuned: y'),
    ('each at its own best recipe', (',8,yes', ',9,yes'), '9 tuning trials against 8'),
    ('selected on other data', (',val,test', ',test,test'), 'same split: test'),
]


def test_a_fair_comparison_breaks_no_rule(tmp_path: Path):
    effects = audited(tmp_path, '\n'.join([HEAD, *FAIR, *FAIR_TOO]))
    assert [set(states(one).values()) for one in effects] == [{'holds'}, {'holds'}]
    assert 'No rule that the audit knows is broken.' in table(effects, 'md', 0.05)


@pytest.mark.parametrize(('rule', 'change', 'why'), UNFAIR)
def test_each_rule_is_broken_by_its_breach_alone(tmp_path: Path, rule: str, change: tuple, why: str):
    lines = [HEAD, FAIR[0], FAIR[1].replace(*change), *FAIR_TOO]
    assert lines[2] != FAIR[1]
    first, second = audited(tmp_path, '\n'.join(lines))
    assert list(broken(first)) == [rule] and why in broken(first)[rule] and not broken(second)


def test_five_percent_is_within(tmp_path: Path):
    lines = [HEAD, FAIR[0], FAIR[1].replace(',4,10,', ',4.2,10,'), *FAIR_TOO]
    assert not broken(audited(tmp_path, '\n'.join(lines))[0])


def test_two_tasks_of_one_dataset_are_one_dataset(tmp_path: Path):
    one = audited(tmp_path, '\n'.join([HEAD, *FAIR, *(line.replace(',E,', ',D,') for line in FAIR_TOO)]))[0]
    assert broken(one) == {'more than one dataset': '2 tasks, all of D'}
    assert 'more than one dataset' in broken(audited(tmp_path, '\n'.join([HEAD, *FAIR]))[0])


def test_what_the_table_does_not_say_is_not_called_broken(tmp_path: Path):
    text = 'arm,task,value,sd,n\n' + ''.join(f'{arm},{task},1.0,0.1,3\n' for task in 'tu' for arm in 'xy')
    said = states(audited(tmp_path, text)[0])
    unknown = [name for name, state in said.items() if state == 'not said']
    assert unknown == [
        *('same recipe', 'each at its own best recipe', 'similar size', 'more than one dataset', 'selected on other data')
    ]
    assert 'broken' not in said.values()


def test_a_recipe_in_the_name_counts_where_no_column_says_it(tmp_path: Path):
    effects = by_name(audited(tmp_path, 'arm,value\noriginal recipe,76\nenhanced recipe,79\nwider,80\n'))
    assert 'same recipe' in broken(effects['enhanced recipe']) and states(effects['wider'])['same recipe'] == 'not said'


def test_a_path_needs_steps_in_a_row(tmp_path: Path):
    def paths(text: str, against: str | None = None) -> list[bool]:
        return ['not a path of choices' in broken(one) for one in audited(tmp_path, text, against)]

    four = 'arm,value,sd,n\n' + ''.join(f'{arm},1.{i},0.1,3\n' for i, arm in enumerate('abcd'))
    assert paths(four) == [True] * 3 and paths(four, 'first') == [False] * 3
    assert paths('\n'.join(four.splitlines()[:4])) == [False] * 2
    # A try beside the road belongs to it where steps enough come before; chosen on other data, it is no breach.
    side = 'arm,value,against\na,1,\nb,2,a\nc,3,b\nd,4,c\ntry,2,a\n'
    assert paths(side) == [True, True, True, False]
    fair = 'arm,value,selected_on,reported_on\n' + ''.join(f'{arm},1,val,test\n' for arm in 'abcd')
    assert paths(fair) == [False] * 3


def test_runs_are_counted_as_one_or_several(tmp_path: Path):
    (one,) = audited(tmp_path, 'arm,value,sd,n\na,1,,1\nb,2,0.1,3\n')
    assert broken(one)['enough runs'] == '1 run on a side; 3 are the least'
    assert one.reason == 'a has one run, and so no deviation' and [rule.short for rule in one.broken()][1] == 'n < 3'
    (one,) = audited(tmp_path, 'arm,value,sd,n\na,1,,1\nb,2,,1\n')
    assert one.reason == 'b has one run, and so no deviation; a has one run, and so no deviation'
    (one,) = audited(tmp_path, 'arm,value,sd,n\na,,,1\nb,2,0.1,\n')
    assert one.reason == 'b has no n; a has one run, and so no deviation; a has no value'
    (one,) = audited(tmp_path, 'arm,value,sd,n\na,1,0.1,3\nb,2,0.1,\n')
    assert states(one)['enough runs'] == 'not said'
    (one,) = audited(tmp_path, 'arm,value,sd,n\na,1,0.1,4\nb,2,0.1,3\n')
    assert {rule.name: rule.why for rule in one.rules}['enough runs'] == '3 and 4 runs'


@pytest.mark.parametrize(
    ('cells', 'state', 'why'),
    [
        (('4,10', '4.2,'), 'holds', '1.05× the GFLOPs'),
        (('4,10', ',10.4'), 'holds', '1.04× the parameters'),
        (('4,10', '4.1,10.2'), 'holds', '1.02× the GFLOPs and 1.02× the parameters'),
        (('4,10', '8,5'), 'broken', '2.00× the GFLOPs and 0.50× the parameters'),
        (('4,10', '3.8,9'), 'broken', '0.90× the parameters'),
        (('4,', ',10'), 'not said', 'the sizes of both (columns gflops, params)'),
    ],
)
def test_sizes_are_compared_by_what_both_give(tmp_path: Path, cells: tuple, state: str, why: str):
    (one,) = audited(tmp_path, f'arm,value,gflops,params\na,1,{cells[0]}\nb,2,{cells[1]}\n')
    (rule,) = [rule for rule in one.rules if rule.name == 'similar size']
    assert (rule.state, rule.why) == (state, why)
    assert (one.size_ratio is None) == (state == 'not said')


@pytest.mark.parametrize(
    ('cells', 'state', 'why'),
    [
        (('8,', '8,'), 'holds', 'both were tuned'),
        (('8,', ',yes'), 'holds', 'both were tuned'),
        ((',yes', ',yes'), 'holds', 'both were tuned'),
        (('8,', ','), 'not said', 'whether each was tuned'),
        (('8,', '9,'), 'broken', '9 tuning trials against 8'),
        (('0,', '8,no'), 'broken', 'not tuned: b and a'),
        (('0,yes', '8,'), 'broken', 'not tuned: a'),
        (('8,', ',no'), 'broken', 'not tuned: b'),
    ],
)
def test_tuning_is_judged_by_what_both_say(tmp_path: Path, cells: tuple, state: str, why: str):
    (one,) = audited(tmp_path, f'arm,value,trials,tuned\na,1,{cells[0]}\nb,2,{cells[1]}\n')
    (rule,) = [rule for rule in one.rules if rule.name == 'each at its own best recipe']
    assert rule.state == state and why in rule.why


@pytest.mark.parametrize(
    ('cells', 'state', 'why'),
    [
        (('val,test', 'val,test'), 'holds', 'selected on val, reported on test'),
        (('val,test', 'val,'), 'not said', 'on which split'),
        (('val,test', ',test'), 'not said', 'on which split'),
        (('test,test', 'val,test'), 'broken', 'a selected and reported on the same split: test'),
        (('test,test', 'val,val'), 'broken', 'b and a selected and reported on the same split: val'),
        ((',', ','), 'not said', 'on which split'),
    ],
)
def test_splits_are_told_apart(tmp_path: Path, cells: tuple, state: str, why: str):
    (one,) = audited(tmp_path, f'arm,value,selected_on,reported_on\na,1,{cells[0]}\nb,2,{cells[1]}\n')
    (rule,) = [rule for rule in one.rules if rule.name == 'selected on other data']
    assert rule.state == state and why in rule.why


def test_recipes_are_compared_where_both_are_said(tmp_path: Path):
    def recipe(first: str, second: str, arm: str = 'b') -> tuple:
        (one,) = audited(tmp_path, f'arm,value,recipe\na,1,{first}\n{arm},2,{second}\n')
        (rule,) = [rule for rule in one.rules if rule.name == 'same recipe']
        return rule.state, rule.why

    assert recipe('x', 'x') == ('holds', "both by recipe 'x'")
    assert recipe('x', 'y') == ('broken', "trained by recipe 'y', the other by 'x'")
    assert recipe('x', '')[0] == recipe('', 'x')[0] == recipe('', '')[0] == 'not said'
    assert recipe('', '', 'New Recipe') == ('broken', "the name says that the recipe changed: 'a' to 'New Recipe'")
    assert recipe('x', 'x', 'New Recipe')[0] == 'holds'


def test_datasets_are_counted_over_the_tasks_of_an_arm(tmp_path: Path):
    def datasets(text: str) -> tuple:
        (rule,) = [rule for rule in audited(tmp_path, text)[0].rules if rule.name == 'more than one dataset']
        return rule.state, rule.why

    assert datasets('arm,value\na,1\nb,2\n') == ('broken', 'compared on one task only')
    assert datasets('arm,task,value\na,t,1\nb,t,2\n') == ('broken', 'compared on one task only: t')
    assert datasets('arm,task,dataset,value\na,t,D,1\nb,t,D,2\n') == ('broken', 'compared on one task only: D')
    two = 'arm,task,dataset,value\na,t,D,1\nb,t,D,2\na,u,{0},1\nb,u,{0},2\n'
    assert datasets(two.format('E')) == ('holds', 'D, E') and datasets(two.format(''))[0] == 'not said'
    # On the other task it is compared with another row.
    assert datasets(two.format('E').replace('a,u', 'c,u'))[0] == 'broken'


def test_a_path_is_three_steps_or_more_and_one_step_is_one(tmp_path: Path):
    def steps(arms: str) -> list[str]:
        text = 'arm,value\n' + ''.join(f'{arm},1\n' for arm in arms)
        return [rule.why for one in audited(tmp_path, text) for rule in one.rules if rule.name == 'not a path of choices']

    assert steps('ab') == ['1 step in a row'] and steps('abc') == ['2 steps in a row'] * 2
    assert all(why.startswith('steps build on one another') for why in steps('abcd'))
