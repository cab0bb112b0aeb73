"""Tables of others: read as they come, and refused by one sentence where they cannot be read."""

from pathlib import Path

import pytest
from audited_tables import audited, written
from scipy import stats

from results.audit.comparisons import audit
from results.audit.input import read
from results.audit.views import table

READ_ALIKE = [
    ('plain', 'arm,value,sd,n\na,78.50,0.1,3\nb,79.00,0.2,3\n'),
    ('semicolons', 'arm;value;sd;n\na;78.50;0.1;3\nb;79.00;0.2;3\n'),
    ('tabs', 'arm\tvalue\tsd\tn\na\t78.50\t0.1\t3\nb\t79.00\t0.2\t3\n'),
    ('byte order mark', '\ufeffarm,value,sd,n\na,78.50,0.1,3\nb,79.00,0.2,3\n'),
    ('percent signs', 'arm,value,sd,n\na,78.50%,0.1 %,3\nb,79.00 %,0.2%,3\n'),
    ('spaces, capitals, blank lines', '\nArm , Value,SD, N\n\na, 78.50 ,0.1,3\n b,79.00,0.2,3.0\n,,,\n'),
    ('quotes after spaces', '"arm", "value", sd, n\na, "78.50", 0.1, 3\n"b", 79.00, "0.2", 3\n'),
    ('line ends of old', 'arm,value,sd,n\ra,78.50,0.1,3\rb,79.00,0.2,3\r'),
    ('windows line ends', 'arm,value,sd,n\r\na,78.50,0.1,3\r\nb,79.00,0.2,3\r\n'),
]


@pytest.mark.parametrize('separator', [',', ';', '\t'])
def test_the_separator_is_what_the_first_line_has_most_of(tmp_path: Path, separator: str):
    lines = [['arm', 'value', 'selected_on', 'reported_on', 'a,b_c_d;e_f'], ['a', '1', 'val', 'test', '']]
    text = '\n'.join(separator.join(f'"{cell}"' if separator in cell else cell for cell in line) for line in lines)
    columns = {'arm': 'arm', 'value': 'value', 'selected_on': 'selected_on', 'reported_on': 'reported_on'}
    (row,) = read(written(tmp_path, f'{text}\n'), columns=columns)
    assert (row.arm, row.value, row.selected_on, row.reported_on) == ('a', 1.0, 'val', 'test')


@pytest.mark.parametrize('text', [text for _, text in READ_ALIKE], ids=[name for name, _ in READ_ALIKE])
def test_tables_are_read_as_they_come(tmp_path: Path, text: str):
    expected = stats.ttest_ind_from_stats(79, 0.2, 3, 78.5, 0.1, 3, equal_var=False).pvalue
    (one,) = audited(tmp_path, text)
    assert (one.arm, one.against, one.n) == ('b', 'a', 3) and one.p == pytest.approx(expected)


REFUSED = [
    ('', 'is empty'),
    (f'arm,value\n{"x" * 131073},1\nb,2\n', 'row 2: field larger than field limit'),
    ('arm,value\na,1e308\nb,2\n', "row 2: value '1e308' is out of range; allowed: 0, and 1e-100 to 1e\\+100"),
    ('arm,value,sd,n\na,1,1e-400,5\nb,2,0,5\n', "row 2: sd '1e-400' is out of range"),
    ('arm,value\n' + ''.join(f'a{i},1\n' for i in range(5001)), '5,001 models; allowed: 5,000'),
    ('arm,value\n', 'a header and no rows'),
    ('arm,value\na,1\n', 'nothing to compare: 1 row, none against another'),
    ('arm,std,value\na,1,1\n', r"unknown column 'std' among \['arm', 'std', 'value'\]; allowed: \['arm'.* Did you mean 'sd'"),
    ('arm,values\na,1\n', r"unknown column 'values'.*Did you mean 'value'"),
    ('arm,sd\na,1\n', r"no column 'value' among \['arm', 'sd'\]"),
    ('arm,value,value\na,1,1\n', "column 'value' is there twice"),
    ('arm,value\na,1\n,2\n', 'row 3: the cell of arm is empty'),
    ('arm,value\na,1\nb,good\n', "row 3: value 'good' is not a number"),
    ('arm,value\na,1\nb,nan\n', "row 3: value 'nan' is not a number"),
    ('arm,value\na,1\nb,1e999\n', 'is not a number'),
    ('arm,value\na,1\nb,78.8 ± 0.1\n', "row 3: value '78.8 ± 0.1' holds a deviation too; put it into the column sd"),
    ('arm,value\na,1\nb,78.8+-0.1\n', r"row 3: value '78\.8\+-0\.1' holds a deviation too"),
    ('arm,value\na,1\nb,78.8 +/- 0.1\n', 'holds a deviation too'),
    ('arm,value,sd\na,1,1\nb,1,0.1 ± 0.1\n', "row 3: sd '0.1 ± 0.1' holds a deviation too"),
    ('arm;value\na;1\nb;78,82\n', r"row 3: value '78,82' holds a comma; write decimals with a point"),
    ('arm,value,sd\na,1,1\nb,78,82,0,07\n', 'row 3: 5 cells, the header has 3; write decimals with a point'),
    ('arm,value,sd,n\na,1,1\n', 'row 2: 3 cells, the header has 4'),
    ('arm,value,sd\na,1,1\nb,1,-0.1\n', "row 3: b: sd '-0.1' is below 0"),
    ('arm,value,n\na,1,3\nb,1,0\n', "row 3: n '0' is not a whole number of at least 1"),
    ('arm,value,n\na,1,3\nb,1,2.5\n', "n '2.5' is not a whole number"),
    ('arm,value,gflops\na,1,3\nb,1,0\n', "row 3: gflops '0' is not above 0"),
    ('arm,value,gflops\na,1,3\nb,1,4%\n', "gflops '4%' is not a number"),
    ('arm,value,sd\na,1%,0.1\nb,2%,0.1\n', 'row 2: some values and deviations of a task have a percent sign'),
    ('arm,value,sd\na,1,1\nb,2,1\na,3,1\n', r'row 4: a is there twice \(row 2 too\)'),
    ('arm,value,seed,sd\na,1,1,1\n', r"columns \['seed', 'sd'\] stand together"),
    ('arm,value,seed\na,1,1\na,2,1\nb,1,1\n', "run '1' is there twice"),
    ('arm,value,seed\na,1,1\na,,2\nb,1,1\n', 'row 3: the cell of value is empty'),
    ('arm,value,seed,recipe\na,1,1,x\na,1,2,y\nb,1,1,x\n', "its runs differ in 'recipe'"),
    ('arm,value,against\na,1,\nkernel_5,2,a\nc,3,kernel_6\n', r"row 4: against 'kernel_6', no other row; .*'kernel_5'"),
    ('arm,value,against\na,1,\nb,2,b\n', r"row 3: against 'b', no other row; allowed: \['a'\]"),
    ('arm,value,against\na,1,b\nb,2,a\n', 'row 2: a against b against a is a circle'),
    ('arm,value,direction\na,1,up\nb,1,up\n', r"direction 'up'; allowed: \['higher', 'lower'\]"),
    ('arm,value,direction\na,1,higher\nb,1,lower\n', "row 3: direction 'lower', but 'higher' in row 2 of the same task"),
    ('arm,value,dataset\na,1,X\nb,1,Y\n', "row 3: dataset 'Y', but 'X' in row 2"),
    ('arm,value,tuned\na,1,maybe\nb,1,yes\n', "tuned 'maybe'; allowed"),
    ('arm,value\n"a,1\nb,2\n', 'header and no rows|cells, the header'),
]


@pytest.mark.parametrize(('text', 'message'), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(ValueError, match=message):
        audited(tmp_path, text)


def test_files_that_are_no_tables_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match='no such file'):
        read(tmp_path / 'nowhere.csv')
    for encoding, message in (('utf-16', 'UTF-8'), ('latin-1', 'UTF-8'), ('utf-16-le', 'UTF-8|not a text file')):
        with pytest.raises(ValueError, match=message):
            read(written(tmp_path, 'arm,value\nä,1\nb,2\n', encoding))
    path = written(tmp_path, 'arm,value,base\na,1,\nb,2,a\n')
    with pytest.raises(ValueError, match=r"--against 'bsae': the columns of .* Did you mean 'base'"):
        read(path, 'bsae')
    with pytest.raises(ValueError, match='--alpha 5; an error rate lies between 0 and 1'):
        audit(read(path, 'base'), alpha=5)
    with pytest.raises(ValueError, match=r"format 'docx'; allowed: \['terminal', 'md', 'csv', 'json'\]"):
        table(audit(read(path, 'base')), 'docx', 0.05)


@pytest.mark.parametrize(
    ('cell', 'value'),
    [
        ('78.5', 78.5),
        ('+78.5', 78.5),
        ('-0.5', -0.5),
        ('\u22120.5', -0.5),
        ('.5', 0.5),
        ('5.', 5.0),
        ('1e2', 100.0),
        ('2E-1', 0.2),
        ('0', 0.0),
        ('0e9', 0.0),
        ('1e100', 1e100),
        ('1e-100', 1e-100),
        ('', None),
        ('-', None),
        ('\u2013', None),
    ],
)
def test_numbers_as_people_print_them(tmp_path: Path, cell: str, value: float | None):
    assert [row.value for row in read(written(tmp_path, f'arm,value\na,{cell}\nb,1\n'))] == [value, 1.0]


@pytest.mark.parametrize('cell', ['1.1e100', '-1e101', '9e-101', '--1', '1 2', '1e', '.', 'e5', '0x1', 'inf', '1_000'])
def test_what_is_no_number_is_refused(tmp_path: Path, cell: str):
    with pytest.raises(ValueError, match=f"row 3: value '{cell.replace('.', '[.]')}' is (not a number|out of range)"):
        read(written(tmp_path, f'arm,value\na,1\nb,{cell}\n'))


@pytest.mark.parametrize(
    ('values', 'half'),
    [
        (('78', '79'), 0.5),
        (('78.5', '79'), 0.05),
        (('78.50', '79.1'), 0.005),
        (('7.85e1', '79'), 0.05),
        (('785e-1', '79'), 0.05),
        (('7.85E1', '79'), 0.05),
        (('8e1', '79'), 0.5),
        (('78.5%', '79 %'), 0.05),
    ],
)
def test_the_last_digit_is_that_of_the_finest_value(tmp_path: Path, values: tuple, half: float):
    rows = read(written(tmp_path, f'arm,value\na,{values[0]}\nb,{values[1]}\n'))
    assert [row.value_half for row in rows] == pytest.approx([half, half])


def test_tasks_are_rounded_each_in_its_own_way_and_may_have_a_percent_sign_or_none(tmp_path: Path):
    text = 'arm,task,value,sd\na,t,78%,0.1%\nb,t,79%,0.12%\na,u,0.785,0\nb,u,0.79,0.00\n'
    rows = read(written(tmp_path, text))
    assert [(row.value_half, row.sd_half) for row in rows] == [(0.5, 0.005)] * 2 + [(0.0005, 0.005)] * 2
    percent = read(written(tmp_path, 'arm,value,sd\na,78%,0%\nb,79%,0 %\n'))
    assert [(row.sd, row.sd_half) for row in percent] == [(0.0, 0.5)] * 2
    bare = read(written(tmp_path, 'arm,value,sd\na,0.785,0\nb,0.79,0\n'))
    assert [row.sd_half for row in bare] == [0.0005] * 2


@pytest.mark.parametrize(
    ('tuned', 'known'),
    [('Yes', True), ('TRUE', True), ('1', True), ('No', False), ('False', False), ('0', False), ('', None)],
)
def test_words_may_be_written_in_capitals(tmp_path: Path, tuned: str, known: bool | None):
    text = f'arm,value,tuned,direction\na,1,{tuned},LOWER\nb,2,{tuned},Lower\n'
    assert [(row.tuned, row.direction) for row in read(written(tmp_path, text))] == [(known, 'lower')] * 2


def test_a_direction_that_a_row_gives_counts_before_that_of_the_call(tmp_path: Path):
    text = 'arm,task,value,direction\na,t,1,higher\nb,t,2,higher\na,u,1,\nb,u,2,\n'
    assert [row.direction for row in read(written(tmp_path, text), lower_is_better=True)] == ['higher'] * 2 + ['lower'] * 2
    assert [row.direction for row in read(written(tmp_path, text))] == ['higher'] * 4


@pytest.mark.parametrize(
    ('name', 'cell', 'number'),
    [
        ('n', '1', 1),
        ('n', '3.0', 3),
        ('n', '1000000000', 10**9),
        ('trials', '0', 0),
        ('trials', '', None),
        ('params', '0.5', 0.5),
    ],
)
def test_counts_and_sizes_within_their_limits_are_taken(tmp_path: Path, name: str, cell: str, number: float | None):
    rows = read(written(tmp_path, f'arm,value,sd,{name}\na,1,0.1,{cell}\nb,2,0.1,{cell}\n'))
    assert [getattr(row, name) for row in rows] == [number, number]


@pytest.mark.parametrize(
    ('name', 'cell'), [('n', '1000000001'), ('n', '-1'), ('trials', '-1'), ('trials', '0.5'), ('params', '-1')]
)
def test_counts_and_sizes_beyond_their_limits_are_refused(tmp_path: Path, name: str, cell: str):
    with pytest.raises(ValueError, match=rf"row 2: {name} '{cell}' is not (a whole number of at least|above 0)"):
        read(written(tmp_path, f'arm,value,{name}\na,1,{cell}\nb,2,1\n'))


def test_rows_of_one_name_are_runs_where_no_column_says_otherwise(tmp_path: Path):
    one, other = read(written(tmp_path, 'arm,value\na,1\na,2\na,6\nb,3\n'))
    assert (one.value, one.n, one.sd, one.runs) == (3.0, 3, pytest.approx(7**0.5), ())
    assert one.sd_half == pytest.approx(0.5 * 1.5**0.5)
    # One run has no deviation.
    assert (other.value, other.n, other.sd, other.sd_half, other.runs) == (3.0, 1, None, 0.0, ())
    assert [row.n for row in read(written(tmp_path, 'arm,value\na,1\nb,3\n'))] == [None, None]


@pytest.mark.parametrize(
    ('header', 'rows', 'runs'),
    [
        ('seed', ['a,2,1', 'a,1,2'], (('1', 2.0), ('2', 1.0))),
        ('run', ['a,2,1', 'a,1,2'], ()),
        ('seed', ['a,,1', 'a,1,2'], ()),
        ('seed', ['a,,1', 'a,,2'], ()),
        ('run,seed', ['a,1,5,1', 'a,2,5,2'], ()),
        ('run,seed', ['a,1,5,1', 'a,2,6,2'], (('5', 1.0), ('6', 2.0))),
    ],
    ids=str,
)
def test_runs_can_be_paired_where_each_has_a_seed_of_its_own(tmp_path: Path, header: str, rows: list[str], runs: tuple):
    (one,) = read(written(tmp_path, '\n'.join([f'arm,{header},value', *rows])))
    assert one.runs == runs and one.n == 2


@pytest.mark.parametrize('name', ['trials', 'params', 'recipe', 'dataset', 'against', 'tuned', 'selected_on'])
def test_what_all_runs_of_a_model_share_is_the_same_in_each(tmp_path: Path, name: str):
    cells = {'trials': '12', 'params': '12', 'tuned': ('yes', 'no')}.get(name, 'xy')
    with pytest.raises(ValueError, match=rf"row 3: a on t: its runs differ in '{name}'; write the same in every run"):
        read(written(tmp_path, f'arm,task,run,value,{name}\na,t,1,1,{cells[0]}\na,t,2,2,{cells[1]}\n'))
    # A note may be of a run.
    assert len(read(written(tmp_path, 'arm,run,value,note\na,1,1,x\na,2,2,y\n'))) == 1


def test_a_column_to_compare_by_is_named_in_any_letters(tmp_path: Path):
    text = 'arm,value,sd,n,Basis\na,1,1,3,\nb,2,1,3,\nc,3,1,3,a\n'
    assert [(one.arm, one.against) for one in audited(tmp_path, text, column='BASIS')] == [('b', 'a'), ('c', 'a')]


def test_bytes_of_nothing_are_no_text(tmp_path: Path):
    with pytest.raises(ValueError, match=r'table\.csv is not a text file; export the table as "CSV UTF-8"'):
        read(written(tmp_path, 'arm,value\na\0,1\nb,2\n'))
    (tmp_path / 'folder.csv').mkdir()
    with pytest.raises(ValueError, match=r'folder\.csv cannot be read \('):
        read(tmp_path / 'folder.csv')


@pytest.mark.parametrize('alpha', [0.0, 1.0, -0.1, 1.5])
def test_an_error_rate_lies_between_zero_and_one(tmp_path: Path, alpha: float):
    rows = read(written(tmp_path, 'arm,value\na,1\nb,2\n'))
    with pytest.raises(ValueError, match=f'--alpha {alpha:g}; an error rate lies between 0 and 1'):
        audit(rows, alpha=alpha)
    assert len(audit(rows, alpha=1e-9)) == 1


def test_a_circle_is_told_from_where_it_closes(tmp_path: Path):
    text = 'arm,value,against\na,1,-\nb,2,d\nc,3,b\nd,4,c\n'
    with pytest.raises(ValueError, match='row 3: b against d against c against b is a circle; write - in the column against'):
        audited(tmp_path, text)
    with pytest.raises(ValueError, match='nothing to compare: 2 rows, none against another'):
        audited(tmp_path, 'arm,value,against\na,1,-\nb,2,-\n')
    with pytest.raises(ValueError, match='nothing to compare: 2 rows'):
        audited(tmp_path, 'arm,task,value\na,t,1\na,u,2\n')


def test_a_row_may_be_compared_with_one_of_its_own_task_alone(tmp_path: Path):
    with pytest.raises(ValueError, match=r"row 4: against 'a', no other row on u; allowed: \['c'\], or - for none"):
        audited(tmp_path, 'arm,task,value,against\na,t,1,\nc,u,2,\nb,u,3,a\n')


def test_so_many_models_are_taken_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('results.audit.input.MOST', 3)
    text = 'arm,value\na,1\nb,2\nc,3\n'
    assert len(read(written(tmp_path, text))) == 3
    with pytest.raises(ValueError, match='4 models; allowed: 3 at a time; give each task a file of its own'):
        read(written(tmp_path, f'{text}d,4\n'))
