"""Lines: SMILES, one a line."""

import pytest

from sweeps.datasets.formats.lines import read_lines


@pytest.mark.parametrize('content', ['CCO\nC#N\n[Na+].[Cl-]\n', 'CCO\r\nC#N\r\n[Na+].[Cl-]', 'CCO\nC#N\n[Na+].[Cl-]\n\n \n'])
def test_one_example_a_line(packed, content):
    assert list(read_lines(packed('a.smi', content.encode()))) == ['CCO', 'C#N', '[Na+].[Cl-]']


@pytest.mark.parametrize(
    ('content', 'message', 'left'),
    [
        ('CCO\n\nC#N\n', 'line 2 is empty', ['CCO', 'C#N']),
        ('CCO ethanol\nC#N\n', "line 1: ' ' in 'CCO ethanol'; allowed: ", ['C#N']),
        ('CCO\nC–C\n', "line 2: '–' in", ['CCO']),
        ('CCO\n\n\nC C\n', 'line 2 is empty', ['CCO']),
    ],
)
def test_damaged_lines_are_errors_or_counted(packed, content, message, left):
    path = packed('a.smi', content.encode())
    with pytest.raises(ValueError, match=rf'a\.smi: {message}'):
        list(read_lines(path))
    skipped = []
    assert list(read_lines(path, skipped=skipped)) == left
    assert len(skipped) == len(content.splitlines()) - len(left)


def test_the_characters_may_be_chosen(packed):
    path = packed('a.txt', b'ab\nba c\n')
    assert list(read_lines(path, allowed=None)) == ['ab', 'ba c']
    with pytest.raises(ValueError, match='line 2: '):
        list(read_lines(path, allowed='ab'))


def test_the_real_molecules(shared):
    """Counts as the folder's README has them."""
    for name, count, shortest, longest, characters in (('valid', 24_445, 10, 100, 32), ('test', 5_000, 14, 105, 33)):
        lines = list(read_lines(shared(f'zinc-smiles/{name}.txt')))
        assert len(lines) == len(set(lines)) == count
        assert (min(map(len, lines)), max(map(len, lines))) == (shortest, longest)
        assert len(set(''.join(lines))) == characters
