"""Sets of a user's own: each reader on a sound set, and each question or refusal on one that is not."""

import json
from collections.abc import Callable
from pathlib import Path

import made_sets as made
import numpy as np
import pytest
from own_sources import (
    ESOL,
    GREY,
    IMAGES,
    INPUTS,
    PATHS,
    REVIEWS,
    SOLUBILITY,
    TABLE,
    X,
    Y,
    listed,
    npz_of,
    prepared,
    shard,
    tar,
    written,
)
from PIL import Image

from ablations.task_files import declared_in
from ablations.tasks.own_task import READERS
from sweeps.datasets.own import OWN, options_of, prepare_declared, prepare_own
from sweeps.datasets.prepared import Prepared


def examples(one: Prepared, split: str = 'pool') -> list[bytes]:
    part = getattr(one, split)()
    return [bytes(np.asarray(part.example(number))) for number in range(len(part))]


def test_every_reader_that_a_task_may_name_is_there():
    assert set(OWN) == set(READERS)


SOUND: dict[str, tuple[str, Callable[[Path], Path], dict, dict]] = {
    'images': ('image_folder', IMAGES, {}, {'kind': 'images', 'shape': [16, 16, 3]}),
    'smaller grey images': (
        *('image_folder', IMAGES),
        {'size': 8, 'grey': True, 'share': 0.4},
        {'shape': [8, 8, 1], 'classes': ['disc', 'square']},
    ),
    'images with masks': (
        *('image_masks', lambda at: made.masked(at / 'm'), {}),
        {'kind': 'images', 'shape': [16, 16, 3], 'target': 'map', 'classes': ['0', '1', '2']},
    ),
    'images in a table': (
        *('csv', lambda at: listed(made.images(at / 'i', 8), '.png').parent, {**PATHS, 'form': 'images'}),
        {'kind': 'images', 'shape': [16, 16, 3], 'classes': ['disc', 'square'], 'notes': []},
    ),
    'sounds in a table': (
        *('csv', lambda at: listed(made.sounds(at / 's'), '.wav'), {**PATHS, 'form': 'sounds'}),
        {'kind': 'sounds', 'rate': 4000, 'classes': ['high', 'low']},
    ),
    'a table': (
        *('csv', TABLE, {'inputs': INPUTS, 'target': ('risk',)}),
        {'kind': 'tables', 'shape': [6], 'classes': ['high', 'low'], 'features': ['age', *(f'city = {one}' for one in
         ('bern', 'oslo', 'rome')), 'weight', 'weight is missing']},
    ),
    'a table split by a column': (
        *('csv', TABLE),
        {'inputs': INPUTS, 'target': ('risk',), 'split': 'column:fold'},
        {'sizes': {'pool': 96, 'test': 24}, 'test_split': "by the column 'fold'"},
    ),
    'values of molecules': (
        *('csv', ESOL, {'inputs': ('smiles',), 'target': (SOLUBILITY,)}),
        {'kind': 'molecules', 'target': 'values', 'targets': [SOLUBILITY]},
    ),
    'labels of molecules': (
        *('csv', lambda at: made.tox21(at / 't.csv'), {'inputs': ('smiles',), 'target': made.TASKS}),
        {'kind': 'molecules', 'target': 'labels', 'targets': list(made.TASKS)},
    ),
    'classes of texts': (
        *('json_lines', REVIEWS, {'inputs': ('text',), 'target': ('stars',), 'form': 'text'}),
        {'kind': 'texts', 'classes': ['bad', 'good']},
    ),
    'texts alone': ('text', lambda at: written(at / 't.txt', 'To be or not.\n' * 40), {}, {'kind': 'texts', 'characters': 10}),
    'documents': (
        *('text', lambda at: written(at / 't.txt', ''.join(f'Story {n}.<|end|>' for n in range(40))), {'mark': '<|end|>'}),
        {'kind': 'texts'},
    ),
    'lines': ('lines', lambda at: made.names(at / 'n.txt'), {}, {'kind': 'texts', 'longest': 8}),
    'molecules': ('smiles', lambda at: written(at / 'm.smi', '\n'.join('C' * n for n in range(1, 60))), {}, {'longest': 59}),
    'proteins': (
        *('fasta', lambda at: written(at / 'p.faa', ''.join(f'>a {n}\nMKV{"LS" * n}\n' for n in range(40))), {}),
        {'kind': 'texts', 'alphabet': 'amino_acids', 'longest': 81, 'characters': 5},
    ),
    'series': ('ts', lambda at: made.series(at / 'w'), {}, {'kind': 'series', 'shape': [20, 2], 'classes': ['fast', 'slow']}),
    'series by hash': (
        *('ts', lambda at: made.series(at / 'w'), {'split': 'hash', 'share': 0.3}),
        {'test_split': '0.3 of the examples, by hash of content'},
    ),
    'sounds': ('wav_folder', lambda at: made.sounds(at / 's'), {}, {'rate': 4000, 'classes': ['high', 'low']}),
    'shards of tokens': (
        *('tokens', lambda at: shard(at / 't.bin'), {'token_type': 'uint16', 'separator': '0', 'share': 0.3}),
        {'kind': 'tokens', 'longest': 5},
    ),
    'shards of images': ('webdataset', lambda at: tar(at / 'w.tar'), {'grey': True}, {'kind': 'images', 'shape': [6, 6, 1]}),
    'arrays of features': ('arrays', npz_of(x=X, y=Y), {'form': 'table'}, {'kind': 'tables', 'shape': [3]}),
    'arrays of values': (
        *('arrays', npz_of(x=X, y=X[:, :2]), {'form': 'table'}),
        {'target': 'values', 'targets': ['0', '1']},
    ),
    'arrays with a test split': (
        *('arrays', npz_of(x_train=GREY[:30], y_train=Y[:30], x_test=GREY[30:], y_test=Y[30:]), {}),
        {'kind': 'images', 'shape': [8, 8, 1], 'sizes': {'pool': 30, 'test': 10}},
    ),
    'arrays by hash all the same': (
        *('arrays', npz_of(x=GREY[:30], y=Y[:30], x_test=GREY[30:], y_test=Y[30:]), {'split': 'hash', 'share': 0.4}),
        {'test_split': '0.4 of the examples, by hash'},
    ),
    'a class of each step': (
        *('arrays', npz_of(x=GREY.astype(float)[..., :2], y=(GREY[..., 0] > 99) * 2), {}),
        {'kind': 'series', 'target': 'map', 'notes': ['y is taken for a class of each step; --predict says otherwise']},
    ),
    'labels as many as steps': (
        *('arrays', npz_of(x=GREY.astype(float)[..., :2], y=(GREY[..., 0] > 99) * 1), {'predict': 'labels'}),
        {'kind': 'series', 'target': 'labels'},
    ),
    'arrays of four axes': ('arrays', npz_of(x=np.stack([GREY] * 2, 3) / 8, y=Y), {}, {'kind': 'maps', 'shape': [8, 8, 2]}),
    'arrays of colours': ('arrays', npz_of(x=np.stack([GREY] * 3, 3), y=Y), {}, {'kind': 'images', 'shape': [8, 8, 3]}),
    'arrays of molecules': (
        *('arrays', npz_of(x=np.array([f'C{"C" * n}O' for n in range(40)]), y=Y), {'form': 'smiles'}),
        {'kind': 'molecules', 'classes': ['0', '1']},
    ),
    'arrays with a map': ('arrays', npz_of(x=GREY, y=GREY // 128), {}, {'target': 'map'}),
}  # fmt: skip


@pytest.mark.parametrize(('reader', 'source', 'options', 'about'), SOUND.values(), ids=SOUND)
def test_a_sound_set_is_prepared(tmp_path: Path, reader: str, source: Callable, options: dict, about: dict):
    one = prepared(tmp_path, reader, source(tmp_path), **options)
    assert {name: one.about.get(name) for name in about} == about
    assert not set(examples(one)) & set(examples(one, 'test')) and min(one.about['sizes'].values()) > 0
    again = prepare_own(reader, source_of(one, tmp_path), 'mine', options_of(reader, options), tmp_path, force=True)[0]
    assert again.about['digest'] == one.about['digest']


def source_of(one: Prepared, tmp_path: Path) -> Path:
    return next(path for path in sorted(tmp_path.iterdir()) if path.name not in ('prepared', 'tokens'))


@pytest.mark.parametrize('reader', ['csv', 'arrays'])
def test_labels_of_which_exactly_one_holds_are_told(tmp_path: Path, reader: str):
    hot = np.eye(3, dtype=int)[np.arange(60) % 3]
    if reader == 'arrays':
        source, options = npz_of(x=np.random.default_rng(0).normal(size=(60, 4)), y=hot)(tmp_path), {'form': 'table'}
    else:
        lines = ['x,a,b,c', *(f'{n / 7},{",".join(map(str, row))}' for n, row in enumerate(hot))]
        source, options = written(tmp_path / 'a.csv', '\n'.join(lines)), {'target': ('a', 'b', 'c'), 'inputs': ('x',)}
    one = prepared(tmp_path, reader, source, **options)
    assert 'exactly one of the 3 labels holds in every row: if they are one class' in ' '.join(one.about['notes'])


def test_a_mark_may_be_text_like_any_other(tmp_path: Path):
    one = prepared(tmp_path, 'text', written(tmp_path / 'a.txt', 'Once.\n<eos>\n' * 30), mark='none')
    assert b'<eos>' in examples(one)[0] and one.about['test_split'] == 'the last tenth of the text'


@pytest.mark.parametrize(('reader', 'source'), [('image_folder', made.images), ('wav_folder', made.sounds)])
def test_folders_may_be_split_by_hash_all_the_same(tmp_path: Path, reader: str, source: Callable):
    source(tmp_path / 'set' / 'train', 40)
    for path in sorted((tmp_path / 'set' / 'train').glob('*/1*')):
        place = tmp_path / 'set' / 'val' / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        path.rename(place / path.name)
    by_names = prepared(tmp_path, reader, tmp_path / 'set')
    assert by_names.about['test_split'] == 'the folder val'
    (tmp_path / 'set' / 'test').mkdir()
    path = next((tmp_path / 'set' / 'val').glob('*/*'))
    (tmp_path / 'set' / 'test' / path.name).write_bytes(path.read_bytes())
    aside = prepare_own(reader, tmp_path / 'set', 'third', options_of(reader, {}), tmp_path)[0]
    (told,) = [note for note in aside.about['notes'] if 'aside' in note or 'not read' in note]
    assert told.startswith('1 ') and told.endswith('left aside') and aside.about['digest'] == by_names.about['digest']
    (tmp_path / 'set' / 'test').rename(tmp_path / 'kept')
    by_hash = prepare_own(reader, tmp_path / 'set', 'other', options_of(reader, {'split': 'hash', 'share': 0.4}), tmp_path)[0]
    assert (
        by_hash.about['test_split'] == '0.4 of the examples, by hash of content' and sum(by_hash.about['sizes'].values()) == 80
    )


@pytest.mark.parametrize('name', ['cifar10', 'friedman', 'digits'])
def test_a_set_of_the_lab_is_never_replaced(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match=f"'{name}' is that of a set of the lab"):
        prepare_own('csv', made.rows(tmp_path / 'r.csv'), name, options_of('csv', {'target': ('risk',)}), tmp_path)


def test_no_split_tears_a_group(tmp_path: Path):
    options = options_of('csv', {'inputs': ('age',), 'target': ('risk',), 'group': 'site'})
    one = prepare_own('csv', made.rows(tmp_path / 'r.csv'), 'mine', options, tmp_path)[0]
    lines = (tmp_path / 'r.csv').read_text().splitlines()[1:]
    sites = {line.split(',')[4] for line in lines}
    assert len(sites) == 12 and one.about['sizes']['test'] in (10, 20) and len(set(one.test().group.tolist())) in (1, 2)
    # Ages that only rows of the pool have are left; those of a test row are left out, and counted.
    assert not set(examples(one)) & set(examples(one, 'test'))
    assert 'identical to a test example and were left out' in ' '.join(one.about['notes'])
    assert "by the values of the column 'site'" in ' '.join(one.about['notes'])


def test_molecules_of_one_content_belong_together_through_their_groups(tmp_path: Path):
    lines = [['m', 'y', 'scaffold'], *([f'C{"C" * (n % 20)}', n % 2, f's{n}'] for n in range(40))]
    one = prepared(tmp_path, 'csv', made.table(tmp_path / 'm.csv', lines), inputs=('m',), target=('y',), group='scaffold',
                   form='smiles', share=0.3)  # fmt: skip
    assert one.about['sizes'] == {'pool': 28, 'test': 12} and len(set(one.pool().group.tolist())) == 14


def test_shorter_series_are_filled_and_counted(tmp_path: Path):
    lines = '\n'.join(','.join(['1.5'] * (3 + n % 2)) + f',{n}:{"ab"[n % 2]}' for n in range(30))
    one = prepared(tmp_path, 'ts', written(tmp_path / 'a.ts', f'@classLabel true a b\n@data\n{lines}\n'))
    assert one.about['shape'] == [5] and '15 of 30 series are shorter than 5 and were filled with zeros' in one.about['notes']


def test_a_declaration_that_has_changed_is_prepared_again_only_where_that_is_said(tmp_path: Path):
    made.rows(tmp_path / 'r.csv')
    digests = []
    for inputs, force in ((INPUTS, False), (INPUTS, False), (INPUTS[:1], True)):
        text = f"from ablations.study import task\nrisk = task(source='r.csv', inputs={inputs!r}, target='risk')\n"
        one = declared_in(Path(written(tmp_path / 'my_task.py', text)))['risk']
        if force:
            with pytest.raises(ValueError, match=r'prepared already, from another declaration than this one; add --force'):
                prepare_declared(one, tmp_path)
        two, new = prepare_declared(one, tmp_path, force)
        digests.append(two.about['digest'])
        assert new == (len(digests) != 2) and two.about['declared'] == one.hash
    assert digests[0] == digests[1] != digests[2]


def test_classes_with_gaps_have_their_numbers_as_names_where_they_are_said_to_be_classes(tmp_path: Path):
    y = np.where(np.arange(40) % 2, 900, 5).astype(np.uint16)
    np.savez(tmp_path / 'a.npz', X=np.arange(80, dtype=np.float32).reshape(40, 2), Y=y)
    one = prepared(tmp_path, 'arrays', tmp_path / 'a.npz', form='table', predict='class')
    assert one.about['classes'] == ['5', '900'] and sum(map(sum, one.about['balance'].values())) == 40


def test_equal_examples_of_two_classes_and_alpha_channels_are_named(tmp_path: Path):
    for kind in ('a', 'b'):
        (tmp_path / 'set' / kind).mkdir(parents=True)
        for number in range(12):
            # The first five of both classes are equal, and all of b have an alpha channel.
            x = np.full((4, 4, 4 if kind == 'b' else 3), number * 9 + (100 if kind == 'b' and number > 4 else 0), np.uint8)
            Image.fromarray(x).save(tmp_path / 'set' / kind / f'{number}.png')
    one = prepared(tmp_path, 'image_folder', tmp_path / 'set')
    pool = one.pool()
    twins = sum(len({*pool.y[pool.group == group].tolist()}) > 1 for group in pool.group)
    assert f'{twins:,} examples of pool are equal to one of another class' in one.about['notes'] and 2 <= twins <= 10
    clear = int((pool.y == 1).sum())
    assert f'{clear} images of pool have an alpha channel, which is left out' in one.about['notes']


def test_a_reader_of_one_column_takes_one_name(tmp_path: Path):
    rows = [json.dumps({'body': f'text number {n}', 'text': 'x'}) for n in range(40)]
    one = prepared(tmp_path, 'text', written(tmp_path / 'a.jsonl', '\n'.join(rows)), inputs=('body',))
    assert b'text number ' in examples(one)[0] and one.about['options']['field'] == 'body'
    for reader, option, name in (('text', 'inputs', '--inputs'), ('parquet_images', 'target', '--target')):
        assert options_of(reader, {option: ('a',)}).field == 'a'
        with pytest.raises(ValueError, match=f"{name} .*: reader '{reader}' takes one column; name one"):
            options_of(reader, {option: ('a', 'b')})


@pytest.mark.parametrize(
    ('classes', 'said'),
    [
        ('aaabba', "2 of 3 values of the column 'g' have examples of all 2 classes"),
        ('aabbab', "1 of 3 values of the column 'g' have examples of all 2 classes"),
        ('aabaab', "each value of the column 'g' has examples of one class only"),
    ],
)
def test_how_many_groups_have_every_class_is_told(tmp_path: Path, classes: str, said: str):
    lines = '\n'.join(f'{n / 7},{classes[n % 6]},{"stu"[n % 3]}' for n in range(60))
    one = prepared(tmp_path, 'csv', written(tmp_path / 'a.csv', f'a,b,g\n{lines}'), inputs=('a',), target=('b',), group='g')
    assert said in one.about['notes']
