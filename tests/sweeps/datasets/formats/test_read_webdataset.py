"""WebDataset: keys, labels of both kinds, missing partners, several shards."""

import io
import tarfile
from collections import Counter

import pytest

from sweeps.datasets.formats.webdataset import is_withheld, read_webdataset


def shard(path, files: list[tuple[str, bytes]], mode: str = 'w'):
    with tarfile.open(path, mode) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


GOOD = [('000.jpg', b'a'), ('000.cls', b'3'), ('001.png', b'b'), ('001.cls', b'0\n')]


@pytest.mark.parametrize('mode', ['w', 'w:gz'])
def test_shards_in_order(tmp_path, mode):
    paths = [
        shard(tmp_path / '0.tar', GOOD, mode),
        shard(
            tmp_path / '1.tar',
            [
                # Names up to the first dot of the last part; what is no image or label is left.
                ('part.1/x.webp', b'c'),
                ('part.1/x.json', b'{"label": 7, "caption": "a"}'),
                ('part.1/x.txt', b'a caption'),
                ('part.2/x.cls', b'8'),
                ('part.2/x.JPEG', b'd'),
                ('part.2/x.seg.png', b'no image of its own kind'),
            ],
            mode,
        ),
    ]
    assert list(read_webdataset(paths)) == [(b'a', 3), (b'b', 0), (b'c', 7), (b'd', 8)]
    assert list(read_webdataset(paths[0])) == [(b'a', 3), (b'b', 0)]


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        ([('x.jpg', b'a')], r"x: has \['jpg'\]; allowed: one image"),
        ([('x.cls', b'1')], r"x: has \['cls'\]"),
        ([('x.jpg', b'a'), ('x.png', b'a'), ('x.cls', b'1')], 'x: has .*allowed: one image'),
        ([('x.jpg', b'a'), ('y.cls', b'1')], r"x: has \['jpg'\]"),
        ([('x.jpg', b'a'), ('x.cls', b'cat')], r"x\.cls: label 'cat'; allowed: a whole number"),
        ([('x.jpg', b'a'), ('x.cls', b'1.0')], r"x\.cls: label '1\.0'"),
        ([('x.jpg', b'a'), ('x.cls', b'-1')], r'x\.cls: label -1'),
        ([('x.jpg', b'a'), ('x.cls', b'10')], r'x\.cls: label 10; allowed: 0 to 9'),
        ([('x.jpg', b'a'), ('x.cls', b'')], r"x\.cls: label ''"),
        ([('x.jpg', b'a'), ('x.cls', b'1' * 19)], r"x\.cls: label '1{19}'; allowed: a whole number; make"),
        ([('x.jpg', b'a'), ('x.cls', b'1' * 18)], r'x\.cls: label 1{18}; allowed: 0 to 9'),
        ([('x.jpg', b'a'), ('x.json', b'{')], r'x\.json: not JSON'),
        ([('x.jpg', b'a'), ('x.json', b'{"class": 1}')], r"x\.json: no field 'label'; there: \['class'\]"),
        ([('x.jpg', b'a'), ('x.json', b'5')], r"x\.json: no field 'label'; there: 5"),
        ([('x.jpg', b'a'), ('x.json', b'{"label": true}')], r'x\.json: label True; allowed: a whole number'),
        ([('x.jpg', b'a'), ('x.json', b'{"label": "1"}')], r"x\.json: label '1'; allowed: a whole number"),
    ],
)
def test_damaged_examples_are_errors_or_counted(tmp_path, files, message):
    path = shard(tmp_path / 'shard.tar', [*GOOD[:2], *files, *GOOD[2:]])
    with pytest.raises(ValueError, match=rf'shard\.tar: {message}'):
        list(read_webdataset([path], classes=10))
    skipped = []
    assert list(read_webdataset([path], classes=10, skipped=skipped)) == [(b'a', 3), (b'b', 0)]
    assert skipped


def test_what_is_wrong_with_a_shard_is_never_skipped(tmp_path):
    path = shard(tmp_path / 'shard.tar', [('x.jpg', b'a'), ('x.jpg', b'b'), ('x.cls', b'1')])
    with pytest.raises(ValueError, match=r"'x\.jpg' is there twice"):
        list(read_webdataset([path], skipped=[]))
    path = shard(tmp_path / 'outside.tar', [*GOOD, ('../x.jpg', b'a')])
    with pytest.raises(ValueError, match='leads outside'):
        list(read_webdataset([path], skipped=[]))
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ValueError, match='damaged or cut short'):
        list(read_webdataset([path], skipped=[]))
    with pytest.raises(ValueError, match='no WebDataset shards'):
        list(read_webdataset([]))


@pytest.mark.parametrize(
    ('files', 'withheld'),
    [
        ([('x.jpg', b'a'), ('x.cls', b'-1')], True),
        ([('x.jpg', b'a'), ('x.json', b'{"label": -1}')], True),
        ([('x.jpg', b'a'), ('x.txt', b'words')], True),
        ([('x.jpg', b'a'), ('x.cls', b'0')], False),
        ([('x.jpg', b'a'), ('x.json', b'{"label": 3}')], False),
        ([('x.jpg', b'a'), ('x.cls', b'cat')], False),
        ([('x.jpg', b'a'), ('x.cls', b'4'), ('y.jpg', b'a'), ('y.cls', b'-1')], False),
        ([], False),
    ],
    ids=['-1', '-1 of json', 'no label', 'a class', 'a class of json', 'a word', 'a later one', 'nothing'],
)
def test_labels_that_are_kept_back_are_those_of_the_first_example(tmp_path, files, withheld):
    assert is_withheld(shard(tmp_path / 'test.tar', files)) is withheld


def test_keys_may_have_dots(tmp_path):
    files = [('a.1.jpg', b'a'), ('a.1.cls', b'1'), ('a.2.jpg', b'b'), ('a.2.cls', b'2'), ('a.3.cls', b'3'), ('a.3.jpg', b'c')]
    unread = Counter()
    assert list(read_webdataset([shard(tmp_path / 'a.tar', files)], unread=unread)) == [(b'a', 1), (b'b', 2), (b'c', 3)]
    assert not unread
    with pytest.raises(ValueError, match=r"'a\.1\.cls' is there twice"):
        list(read_webdataset([shard(tmp_path / 'b.tar', [*files, ('a.1.cls', b'1')])]))


def test_further_files_of_an_example_are_counted_by_their_ending(tmp_path):
    files = [('x.mask.png', b'm'), *GOOD[:2], ('000.mask.png', b'm'), ('000.txt', b't'), ('README', b'r'), ('000.TXT', b't')]
    unread = Counter()
    skipped = []
    assert list(read_webdataset([shard(tmp_path / 'a.tar', files[1:])], unread=unread, skipped=skipped)) == [(b'a', 3)]
    assert unread == {'.mask.png': 1, '.txt': 2, 'no ending': 1} and not skipped
