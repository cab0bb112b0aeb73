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
