"""Material: options of a preparation, blocks of examples, and the files of a set by their folders and names."""

import os
from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.material import Material, Options, Split, blocks, by_split, of_arrays, of_targets, split_of
from sweeps.datasets.prepared import KINDS
from sweeps.datasets.sources.division import of_folders
from sweeps.datasets.sources.locate import beside, check, with_endings, with_names
from sweeps.datasets.sources.signals import series


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'split': 'random'}, r'--split random; allowed: names \(of files\) or hash \(of content\), or leave it out'),
        ({'split': 'column'}, '--split column; allowed'),
        *(({'separator': one}, 'separator .*; allowed: the number of a token, or none') for one in ('-1', 'x', '²')),
    ],
)
def test_options_that_mean_nothing_are_refused(given: dict, said: str):
    with pytest.raises(ValueError, match=said):
        Options(**given)


@pytest.mark.parametrize(
    'given', [{'split': 'names'}, {'split': 'hash'}, {'split': 'column:fold'}, {'separator': 'none'}, {'separator': '0'}, {}]
)
def test_options_that_mean_something_are_taken(given: dict):
    assert {name: getattr(Options(**given), name) for name in given} == given


@pytest.mark.parametrize(('count', 'sizes'), [(0, []), (1, [1]), (4, [2, 2]), (5, [2, 2, 1])])
def test_examples_come_in_blocks(count: int, sizes: list[int]):
    x, y = np.arange(2 * count, dtype=np.float32).reshape(count, 2), np.arange(count, dtype=np.int32)
    for made in (blocks(zip(x, y.tolist(), strict=True), 2), of_arrays(x, y, 2), of_targets(x, y, 2)):
        made = list(made)
        assert [len(xs) for xs, _ in made] == [len(ys) for _, ys in made] == sizes
        assert np.array_equal(np.array([one for xs, _ in made for one in xs]).reshape(count, 2), x)
        assert [one for _, ys in made for one in ys] == y.tolist()
    assert all(ys.dtype == np.int64 for _, ys in of_arrays(x, y, 2)) and all(ys is None for _, ys in of_arrays(x, None, 2))
    assert all(ys is None for _, ys in blocks(((one, None) for one in x), 2))


@pytest.mark.parametrize(
    ('splits', 'asked', 'made'),
    [
        ({'train': [1], 'val': [2], 'test': [3]}, None, ([1, 2], [3])),
        ({'train': [1], 'val': [2], 'test': [3]}, 'names', ([1, 2], [3])),
        ({'train': [1], 'test': [3]}, None, ([1], [3])),
        ({'train': [1], 'val': [2]}, None, ([1], [2])),
        ({'train': [1], 'val': [2], 'test': []}, None, ([1], [2])),
        ({'train': [1]}, None, ([1], None)),
        ({'train': [1], 'val': [2], 'test': [3]}, 'hash', ([1, 2, 3], None)),
    ],
)
def test_folders_of_splits(splits: dict, asked: str | None, made: tuple):
    pool, test = of_folders(splits, Path('source'), Options(split=asked))
    assert (pool, test or None) == made


def test_folders_that_name_no_test_split_cannot_be_it():
    with pytest.raises(ValueError, match='source: no folder test or val beside train; allowed: --split hash, or leave it out'):
        of_folders({'train': [1]}, Path('source'), Options(split='names'))


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_what_lies_beside_data_is_no_data(tmp_path: Path):
    data = ('a.txt', 'b/c.TXT', 'my_readme.txt')
    others = ('README.txt', 'Licence.txt', 'b/LICENSE.txt', '.a.txt', '.b/a.txt', 'prepared/mine/a.txt', 'citation.txt', 'd.md')
    touch(tmp_path, *data, *others)
    assert with_endings(tmp_path, ('.txt',)) == sorted(tmp_path / name for name in data)
    assert {name for name in (*data, *others) if beside(tmp_path / name, tmp_path)} == {*others} - {'d.md'}
    assert with_endings(tmp_path / 'README.txt', ('.txt',)) == [tmp_path / 'README.txt'], 'who names a file means it'
    for source in (tmp_path / 'd.md', tmp_path / '.b'):
        with pytest.raises(ValueError, match=r'no file that ends with \.csv, \.tsv; give such a file or a folder of them'):
            with_endings(source, ('.csv', '.tsv'))


def test_files_are_looked_for_by_their_names_packed_or_not(tmp_path: Path):
    touch(tmp_path, 'a.txt', 'deep/a.txt', 'deep/b.txt.gz', 'c.txt/inner')
    wanted = {'a.txt': tmp_path / 'a.txt', 'b.txt': tmp_path / 'deep' / 'b.txt.gz'}
    assert with_names(tmp_path, ['a.txt', 'b.txt']) == with_names(tmp_path / 'a.txt', ['a.txt', 'b.txt']) == wanted
    assert with_names(tmp_path, ['a.txt', 'c.txt'], must=False) == {'a.txt': tmp_path / 'a.txt'}
    with pytest.raises(ValueError, match=r'no c\.txt, d\.txt \(plain, .*\); there: a\.txt, c\.txt, deep; give'):
        with_names(tmp_path, ['a.txt', 'c.txt', 'd.txt'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='there: nothing; give'):
        with_names(tmp_path / 'empty', ['a.txt'])
    for count, ending in ((12, 'f11'), (13, 'f11 ...')):
        touch(tmp_path / 'empty', *(f'f{number:02}' for number in range(count)))
        with pytest.raises(ValueError, match=rf'there: f00, .*{ending}; give'):
            with_names(tmp_path / 'empty', ['a.txt'])


def test_a_source_is_a_file_or_a_folder(tmp_path: Path):
    assert check(tmp_path) == tmp_path
    with pytest.raises(ValueError, match=r"no such file or folder '.*none'; give the place where the files lie: --source"):
        check(tmp_path / 'none')
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(ValueError, match="pipe' is neither a file nor a folder; give the place"):
        check(tmp_path / 'pipe')


def files(folder: Path, *names: str) -> list[Path]:
    return [folder / name for name in names]


def test_what_told_the_test_split_names_three_of_its_files(tmp_path: Path):
    train = files(tmp_path, 'train.a')
    for count, named in ((3, 'test0, test1, test2'), (4, 'test0, test1, test2, ...')):
        test = files(tmp_path, *(f'test{number}' for number in range(count)))
        test = [tmp_path / 'test' / path.name for path in test]
        said = f'by the names of files: {count} of {count + 1} ({named})'
        assert by_split([*test, *train], tmp_path) == Split(train, test, said)


def test_the_pool_is_in_the_order_of_its_paths_and_the_rest_as_given(tmp_path: Path):
    names = ('z', 'train.b', 'valid.c', 'a', 'test.y', 'test.x')
    split = by_split(files(tmp_path, *names), tmp_path)
    assert split.pool == files(tmp_path, 'a', 'train.b', 'valid.c', 'z') and split.test == files(tmp_path, 'test.y', 'test.x')
    given = files(tmp_path, 'z', 'a', 'test')
    assert by_split(given, tmp_path, 'hash') == Split(given, [])
    assert by_split(given, tmp_path, 'hash', aside=given[:1]) == Split(given[1:], [])
    assert by_split(files(tmp_path, 'valid.b', 'valid.a'), tmp_path) == Split(files(tmp_path, 'valid.b', 'valid.a'), [])


@pytest.mark.parametrize(
    ('names', 'asked', 'said'),
    [
        (
            ('a', 'test.1', 'test.2', 'test.3', 'test.4'),
            None,
            '{}: test.1, test.2, test.3, ... would be the test split by name, of 5 files of which none is called train; '
            'whether it is can not be known: --split names, or --split hash for a test split by content',
        ),
        *(
            (
                names,
                'names',
                f'{{}}: the names of its {len(names)} files do not tell both a training and a test split (test, valid, val, '
                'dev); allowed: --split hash, a test split by content, or leave it out',
            )
            for names in (('a', 'b'), ('test.a',), ('valid.a', 'valid.b'))
        ),
    ],
)
def test_names_that_tell_no_test_split(tmp_path: Path, names: tuple[str, ...], asked: str | None, said: str):
    with pytest.raises(ValueError) as caught:
        by_split(files(tmp_path, *names), tmp_path, asked)
    assert str(caught.value) == said.format(tmp_path)


@pytest.mark.parametrize(
    ('name', 'split'),
    [
        ('TESTING/a', 'test'),
        ('a_t10k.gz', 'test'),
        ('a/dev-1', 'valid'),
        ('val', 'valid'),
        ('validation.b', 'valid'),
        ('Training 1', 'train'),
        ('test_train', 'test'),
        ('valid_train', 'valid'),
        ('testa', ''),
        ('1test', ''),
    ],
)
def test_words_of_a_name_tell_its_split(name: str, split: str):
    assert split_of(name) == split


def test_whether_examples_differ_in_length_follows_from_their_kind():
    ragged = {kind for kind in KINDS if Material(kind, [], None, []).ragged}
    assert ragged == {'texts', 'tokens', 'sounds', 'molecules'}


@pytest.mark.parametrize(
    ('splits', 'options', 'said'),
    [
        ({'train': [1]}, {'split': 'names'}, 'x: no folder test or val with masks; allowed: --split hash, or leave it out'),
        ({'train': [1], 'test': [], 'val': []}, {'split': 'names'}, 'x: no folder test or val with masks'),
    ],
)
def test_folders_say_where_they_were_looked_for(splits: dict, options: dict, said: str):
    with pytest.raises(ValueError, match=said):
        of_folders(splits, Path('x'), Options(**options), where='with masks')


def test_a_folder_without_series_is_told_what_to_get(tmp_path: Path):
    with pytest.raises(ValueError, match=r': no NAME_TRAIN\.tsv; get both files$'):
        series(tmp_path, Options())
    touch(tmp_path, 'A_TRAIN.tsv')
    with pytest.raises(ValueError, match=r': no NAME_TEST\.tsv; get both files$'):
        series(tmp_path / 'A_TRAIN.tsv', Options())
