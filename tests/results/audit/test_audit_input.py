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
    ('windows line ends', 'arm,value,sd,n\r\na,78.50,0.1,3\r\nb,79.00,0.2,3\r\n'),
]


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
