"""Sources of texts, sounds, molecules and series: small sets in their official layouts, made here, prepared and compared."""

import gzip
import json
import wave
from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.formats.token_bin import END_OF_TEXT
from sweeps.datasets.material import Options, Split, by_split, split_of
from sweeps.datasets.own import prepare_own
from sweeps.datasets.prepare import prepare
from sweeps.datasets.sources.texts import SHORTEST, articles, cut, token_documents

PARTIAL = Options(partial=True, unverified=True)


def texts_of(part) -> list[str]:
    return [np.asarray(part.example(number)).tobytes().decode() for number in range(len(part))]


def test_tiny_shakespeare_is_cut_at_nine_tenths(tmp_path: Path):
    text = ''.join(f'line {number} é\n' for number in range(500))
    (tmp_path / 'input.txt').write_text(text, encoding='utf-8')
    dataset, _ = prepare('tiny_shakespeare', tmp_path, tmp_path)
    place = round(len(text) * 0.9)
    assert texts_of(dataset.pool()) == [text[:place]] and texts_of(dataset.test()) == [text[place:]]
    assert dataset.about['near_duplicates']['length'] == 50


def test_stories_between_marks(tmp_path: Path):
    mark = '<|endoftext|>'
    stories = [f'Story {number}.\nIt was good.' for number in range(200)]
    (tmp_path / 'TinyStories-train.txt').write_text(f'\n{mark}\n'.join(stories) + f'\n{mark}\nThis one is cut')
    (tmp_path / 'LICENSE.txt').write_text('not a story')
    dataset, _ = prepare('tinystories', tmp_path, tmp_path)
    assert sorted(texts_of(dataset.pool()) + texts_of(dataset.test())) == sorted(stories)
    assert any('cut off' in note for note in dataset.about['notes'])
    (tmp_path / 'TinyStories-valid.txt').write_text(f'Held.\n{mark}\nStory 3.\nIt was good.\n{mark}\n')
    dataset, _ = prepare('tinystories', tmp_path, tmp_path, force=True)
    assert texts_of(dataset.test()) == ['Held.', 'Story 3.\nIt was good.']
    assert (
        sorted(texts_of(dataset.pool())) == sorted(set(stories) - {'Story 3.\nIt was good.'}) and dataset.about['dropped'] == 1
    )


def json_lines(path: Path, entries: list[dict]) -> None:
    path.write_bytes(gzip.compress('\n'.join(map(json.dumps, entries)).encode()))


def json_list(path: Path, entries: list[dict]) -> None:
    path.write_text(json.dumps(entries))


def parquet_texts(path: Path, entries: list[dict]) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(entries), path)


FORMS = [('a.jsonl.gz', json_lines), ('a.json', json_list), ('a.parquet', parquet_texts)]


@pytest.mark.parametrize(('name', 'make'), FORMS, ids=[name for name, _ in FORMS])
def test_any_text(tmp_path: Path, name: str, make):
    bodies = [f'text number {number} is ä {number**2}' for number in range(120)]
    make(tmp_path / name, [{'body': body, 'other': 'x'} for body in bodies])
    with pytest.raises(ValueError, match='text'):
        prepare('text', tmp_path / name, tmp_path, called='mine')
    dataset, _ = prepare('text', tmp_path / name, tmp_path, called='mine', options=Options(field='body'))
    assert sorted(texts_of(dataset.pool()) + texts_of(dataset.test())) == sorted(bodies) and len(dataset.test()) > 2


def test_plain_text_files_are_documents(tmp_path: Path):
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'raw' / 'one.txt').write_text('only one document of some length')
    dataset, _ = prepare('text', tmp_path / 'raw', tmp_path, called='one')
    assert [*texts_of(dataset.pool()), *texts_of(dataset.test())] == ['only one document of some len', 'gth']
    (tmp_path / 'raw' / 'bad.txt').write_bytes(b'good and then \xff bad')
    with pytest.raises(ValueError, match=r'bad\.txt.*14'):
        prepare('text', tmp_path / 'raw', tmp_path, called='bad')


WIKI = ' \n = First = \n \n Words of it . \n = = Section = = \n More . \n = Second = \n \n Other words . \n'


def test_wikitext_article_by_article(tmp_path: Path):
    for split in ('train', 'valid', 'test'):
        (tmp_path / f'wiki.{split}.raw').write_text(WIKI.replace('Words', f'Words of {split}').replace('Other', split))
    dataset, _ = prepare('wikitext2', tmp_path, tmp_path)
    pool, test = texts_of(dataset.pool()), texts_of(dataset.test())
    assert len(pool) == 4 and len(test) == 2 and 'Section' in test[0] and test[1].startswith(' = Second = ')
    assert ''.join(articles(WIKI.splitlines(keepends=True))) == WIKI
    (tmp_path / 'wiki.test.raw').unlink()
    with pytest.raises(ValueError, match=r'no wiki\.test\.raw'):
        prepare('wikitext103', tmp_path, tmp_path)


def test_token_shards_document_by_document(tmp_path: Path):
    header = np.zeros(256, np.int32)
    for name, pieces in (('fineweb_train_000001.bin', ([1, 2, 3], [4], [5, 6])), ('fineweb_val_000000.bin', ([7, 8], [4]))):
        tokens = np.concatenate([[END_OF_TEXT, *piece] for piece in pieces]).astype(np.uint16)
        header[:3] = 20240520, 1, len(tokens)
        (tmp_path / name).write_bytes(header.tobytes() + tokens.tobytes())
    dataset, _ = prepare('fineweb', tmp_path, tmp_path)
    pool, test = dataset.pool(), dataset.test()
    assert dataset.about['kind'] == 'tokens' and pool.x.dtype == np.uint16
    assert [pool.example(i).tolist() for i in range(len(pool))] == [[END_OF_TEXT, 1, 2, 3], [END_OF_TEXT, 5, 6]]
    assert [test.example(i).tolist() for i in range(len(test))] == [[END_OF_TEXT, 7, 8], [END_OF_TEXT, 4]]
    assert dataset.about['dropped'] == 1


def shard(path: Path, tokens: list[int], dtype: str = '<u2', magic: tuple[int, int] | None = None) -> Path:
    header = np.zeros(256 if magic else 0, np.int32)
    if magic:
        header[:3] = *magic, len(tokens)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.tobytes() + np.array(tokens, dtype).tobytes())
    return path


def test_a_shard_is_cut_at_the_separator_of_its_own_vocabulary(tmp_path: Path):
    llama = [128000, 1, 50256, 2, 128000, 3]
    shard(tmp_path / 'raw' / 'a_train_1.bin', llama, '<u4', (20240801, 7))
    shard(tmp_path / 'raw' / 'a_val_0.bin', [128000, 9, 9], '<u4', (20240801, 7))
    made, _ = prepare('fineweb', tmp_path / 'raw', tmp_path)
    assert [made.pool().example(i).tolist() for i in range(2)] == [[128000, 1, 50256, 2], [128000, 3]]
    assert made.about['test_split'].startswith('by the names of files: 1 of 2')
    assert 'a_val_0.bin: token 128000 separates nothing in it: it is one document' in made.about['notes']


@pytest.mark.parametrize('options', [{'separator': '7'}, {'separator': 'none'}])
def test_what_a_shard_does_not_say_is_asked_for(tmp_path: Path, options: dict):
    shard(tmp_path / 'raw' / 'a_train.bin', [7, 70000, 3, 7, 80000, 4], '<u4')
    shard(tmp_path / 'raw' / 'a_val.bin', [7, 1, 70001], '<u4')
    with pytest.raises(ValueError, match='--token-type uint16 or --token-type uint32'):
        prepare('fineweb', tmp_path / 'raw', tmp_path)
    with pytest.raises(ValueError, match=r'--separator TOKEN .*or --separator none'):
        prepare('fineweb', tmp_path / 'raw', tmp_path, options=Options(token_type='uint32'))
    made, _ = prepare('fineweb', tmp_path / 'raw', tmp_path, options=Options(token_type='uint32', **options))
    wanted = [[7, 70000, 3], [7, 80000, 4]] if options['separator'] == '7' else [[7, 70000, 3, 7, 80000, 4]]
    assert [made.pool().example(i).tolist() for i in range(len(made.pool()))] == wanted
    with pytest.raises(ValueError, match='is prepared already, with separator'):
        prepare('fineweb', tmp_path / 'raw', tmp_path, options=Options(token_type='uint32', separator='8'))


def test_nothing_is_skipped_uncounted(tmp_path: Path):
    (tmp_path / 'raw').mkdir()
    for name in ('train.txt', 'test.txt', 'c.html', 'README', 'd.pdf', 'e.pdf'):
        (tmp_path / 'raw' / name).write_text(f'the text of {name}\n' * 9)
    made, _ = prepare('text', tmp_path / 'raw', tmp_path, called='mine')
    assert made.about['test_split'] == 'by the names of files: 1 of 2 (test.txt)'
    assert made.about['notes'] == ['not read: 2 .pdf, 1 .html']


def test_json_lines_in_zstandard(tmp_path: Path):
    import pyarrow

    lines = ''.join(json.dumps({'text': f'document {number}'}) + '\n' for number in range(60))
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'raw' / 'all.jsonl.zst').write_bytes(pyarrow.compress(lines.encode(), codec='zstd', asbytes=True))
    made, _ = prepare('text', tmp_path / 'raw', tmp_path, called='packed')
    assert sum(made.about['sizes'].values()) == 60 and 'not read' not in str(made.about['notes'])
    (tmp_path / 'raw' / 'all.jsonl.zst').write_bytes(pyarrow.compress(lines.encode(), codec='zstd', asbytes=True)[:-9])
    with pytest.raises(ValueError, match=r'all\.jsonl\.zst: damaged or cut short'):
        prepare('text', tmp_path / 'raw', tmp_path, called='packed', force=True)


END = END_OF_TEXT
DOCUMENTS = [
    ([END, 1, END, 2], [[END, 1], [END, 2]]),
    ([1, END, 2, END], [[1, END], [2, END]]),
    ([1, END, 2], [[1, END], [2]]),
    ([1, 2], [[1, 2]]),
    ([END], [[END]]),
    ([], []),
]


@pytest.mark.parametrize(('tokens', 'wanted'), DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_documents_of_a_shard(tokens: list[int], wanted: list[list[int]]):
    assert [one.tolist() for one in token_documents(np.array(tokens, np.uint16), END)] == wanted


def sound(path: Path, samples: np.ndarray, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), 'wb') as file:
        file.setparams((1, 2, rate, 0, 'NONE', ''))
        file.writeframes(samples.astype('<i2').tobytes())


def test_spoken_digits(tmp_path: Path):
    generator, sounds = np.random.default_rng(0), {}
    for digit in (0, 7):
        for index in (0, 4, 5, 12):
            sounds[digit, index] = generator.integers(-1000, 1000, 100 + 10 * index).astype(np.int16)
            sound(tmp_path / 'raw' / 'recordings' / f'{digit}_ann_{index}.wav', sounds[digit, index])
    dataset, _ = prepare('spoken_digits', tmp_path / 'raw', tmp_path, options=PARTIAL)
    pool, test = dataset.pool(), dataset.test()
    assert dataset.about['rate'] == 8000 and (pool.y.tolist(), test.y.tolist()) == ([0, 0, 7, 7], [0, 0, 7, 7])
    assert sorted(pool.example(i).tobytes() for i in range(4)) == sorted(
        sounds[d, i].tobytes() for d in (0, 7) for i in (5, 12)
    )
    sound(tmp_path / 'raw' / 'recordings' / '1_ann_9.wav', sounds[0, 0], rate=16000)
    with pytest.raises(ValueError, match=r'1_ann_9\.wav: 16000 Hz, those before have 8000 Hz'):
        prepare('spoken_digits', tmp_path / 'raw', tmp_path, options=PARTIAL, force=True)
    sound(tmp_path / 'raw' / 'recordings' / 'noise.wav', sounds[0, 0])
    with pytest.raises(ValueError, match='allowed names: DIGIT_SPEAKER_INDEX'):
        prepare('spoken_digits', tmp_path / 'raw', tmp_path, options=PARTIAL, force=True)


def test_zinc_joins_train_and_valid(tmp_path: Path):
    for name, lines in (('valid', ['CC', 'CN']), ('test', ['CO', 'CC'])):
        (tmp_path / f'{name}.txt').write_text('\n'.join(lines) + '\n')
    with pytest.raises(ValueError, match=r"'zinc' is not all there: train\.txt"):
        prepare('zinc', tmp_path, tmp_path)
    dataset, _ = prepare('zinc', tmp_path, tmp_path, options=PARTIAL)
    assert (
        texts_of(dataset.pool()) == ['CN']
        and texts_of(dataset.test()) == ['CO', 'CC']
        and dataset.about['partial'] == ['train.txt']
    )
    (tmp_path / 'train.txt').write_text('CF\r\nCCl\r\n')
    dataset, _ = prepare('zinc', tmp_path, tmp_path, force=True)
    assert texts_of(dataset.pool()) == ['CF', 'CCl', 'CN'] and dataset.about['partial'] is None


def test_series_of_the_ucr_archive(tmp_path: Path):
    folder = tmp_path / 'ucr' / 'Wave'
    folder.mkdir(parents=True)
    (folder / 'Wave_TRAIN.tsv').write_text('-1\t0.5\t1.5\n1\t2\t3\n')
    (folder / 'Wave_TEST.tsv').write_text('1\t4\t5\n')
    dataset, _ = prepare('series', folder, tmp_path, called='wave')
    assert dataset.pool().x.tolist() == [[0.5, 1.5], [2.0, 3.0]] and dataset.pool().x.dtype == np.float32
    assert dataset.about['classes'] == ['-1', '1'] and dataset.pool().y.tolist() == [0, 1] and dataset.test().y.tolist() == [1]
    with pytest.raises(ValueError, match=r'no NAME_TRAIN.tsv; there are the sets Wave: give one of these folders: --source'):
        prepare('series', tmp_path / 'ucr', tmp_path, called='all')


NAMES = [
    ('train-00000-of-00002.parquet', 'train'),
    ('wiki.valid.raw', 'valid'),
    ('TinyStoriesV2-GPT4-valid.txt', 'valid'),
    ('fineweb_val_000000.bin', 'valid'),
    ('t10k-images', 'test'),
    ('test/a.txt', 'test'),
    ('latest.txt', ''),
    ('values.txt', ''),
    ('contest_entries.json', ''),
]


@pytest.mark.parametrize(('name', 'split'), NAMES, ids=[name for name, _ in NAMES])
def test_the_split_of_a_file_by_its_name(name: str, split: str):
    assert split_of(name) == split


def test_files_by_split(tmp_path: Path):
    folder = tmp_path / 'test_of_mine'
    folder.mkdir()
    a, train, valid, test = (folder / name for name in ('a.txt', 'train.txt', 'valid.txt', 'test.txt'))
    assert by_split([a], folder) == Split([a], [])
    assert by_split([a, valid], folder, 'names') == Split([a], [valid], f'by the names of files: 1 of 2 ({valid.name})')
    assert by_split([a, valid, test], folder, 'names').pool == [a, valid]
    assert by_split([train, valid], folder) == Split([train], [valid], f'by the names of files: 1 of 2 ({valid.name})')
    assert by_split([train, valid], folder, 'hash') == Split([train, valid], [])
    assert by_split([test], folder) == Split([test], [])
    assert by_split([a, test], folder, aside=[test]) == Split([a], [])
    with pytest.raises(ValueError, match=r'would be the test split by name, of 2 files.*--split names, or --split hash'):
        by_split([a, test], folder)


def test_a_text_of_a_few_characters_is_no_set(tmp_path: Path):
    (tmp_path / 'input.txt').write_text('to be, or not to be')
    with pytest.raises(ValueError, match='a text of 19 characters is too short'):
        prepare('tiny_shakespeare', tmp_path / 'input.txt', tmp_path)


def test_a_text_alone_is_cut_at_the_share_that_is_asked_for(tmp_path: Path):
    (tmp_path / 'a.txt').write_text('0123456789' * 4)
    made, _ = prepare('text', tmp_path / 'a.txt', tmp_path, called='mine', options=Options(share=0.3))
    assert texts_of(made.test()) == ['89' + '0123456789'] and made.about['test_split'] == 'the last 0.3 of the text'
    assert 'one document: its last 0.3 is the test split' in made.about['notes']


@pytest.mark.parametrize('reader', ['wikitext2', 'fineweb'])
def test_texts_in_parquet_shards(tmp_path: Path, reader: str):
    for split in ('train', 'test'):
        rows = WIKI.replace('Words', f'Words of {split}').replace('Other', split).splitlines(keepends=True)
        parquet_texts(tmp_path / f'{split}-0.parquet', [{'text': row} for row in rows])
    made, _ = prepare(reader, tmp_path, tmp_path, options=PARTIAL)
    test = texts_of(made.test())
    assert (
        made.about['kind'] == 'texts' and any('Words of test' in one for one in test) and min(made.about['sizes'].values()) > 0
    )
    assert len(test) == (2 if reader == 'wikitext2' else 6), 'articles, or rows that are not blank'
    (tmp_path / 'test-0.parquet').unlink()
    if reader == 'wikitext2':
        with pytest.raises(ValueError, match=r"no test articles among \['train-0.parquet'\]; get the official test file"):
            prepare(reader, tmp_path, tmp_path, options=PARTIAL, force=True)


def test_molecules_without_a_file_for_training_are_refused(tmp_path: Path):
    (tmp_path / 'test.txt').write_text('CC\n')
    with pytest.raises(ValueError, match=r"no file for training \(\['train.txt', 'valid.txt'\]\); give the folder that has it"):
        prepare('zinc', tmp_path, tmp_path, options=PARTIAL)


def test_a_damaged_recording_is_told_or_left_out_and_counted(tmp_path: Path):
    for index in (0, 1, 5, 6, 7):
        sound(tmp_path / 'raw' / f'3_ann_{index}.wav', np.arange(50) + 9 * index)
    (tmp_path / 'raw' / '3_ann_8.wav').write_bytes(b'RIFF')
    with pytest.raises(ValueError, match=r'3_ann_8\.wav.*; repair or remove it, or leave such files out with --skip-damaged'):
        prepare('spoken_digits', tmp_path / 'raw', tmp_path, options=PARTIAL)
    made, _ = prepare('spoken_digits', tmp_path / 'raw', tmp_path, options=Options(partial=True, skip_damaged=True))
    assert made.about['sizes'] == {'pool': 3, 'test': 2} and len(made.about['skipped']) == 1


def test_series_of_both_splits_are_alike_and_may_be_split_by_hash(tmp_path: Path):
    folder = tmp_path / 'ucr' / 'Wave'
    folder.mkdir(parents=True)
    (folder / 'Wave_TRAIN.tsv').write_text('\n'.join(f'{n % 2}\t{n}\t{n / 7}' for n in range(30)))
    (folder / 'Wave_TEST.tsv').write_text('1\t40\t5\n')
    made, _ = prepare('series', folder, tmp_path, called='wave', options=Options(split='hash'))
    assert (sum(made.about['sizes'].values()) == 31 and made.about['sizes']['test'] > 1) or 40 in made.test().x[:, 0]
    assert made.about['test_split'] == '0.1 of the examples, by hash of content'
    (folder / 'Wave_TEST.tsv').write_text('1\t4\t5\t6\n')
    with pytest.raises(ValueError, match=r'series of \[2, 3\] values; give both splits one length'):
        prepare('series', folder, tmp_path, called='wave', force=True)


@pytest.mark.parametrize(
    ('test', 'said'),
    [
        ('1,2:a', r'series of \[1, 2\] dimensions; allowed: one number in all files; give those of one set'),
        ('1,2:3:a', r'dimensions of \[1, 2\] values; allowed: one length in a series'),
        ('1,nan:3,4:a', 'a value is missing or beyond float32; allowed: finite numbers'),
    ],
)
def test_series_of_ts_files_have_one_form(tmp_path: Path, test: str, said: str):
    for name, line in (('A_TRAIN', '1,2:3,4:a'), ('A_TEST', test)):
        (tmp_path / f'{name}.ts').write_text(f'@classLabel true a b\n@data\n{line}\n')
    with pytest.raises(ValueError, match=said):
        prepare_own('ts', tmp_path, 'mine', Options(), tmp_path)


def test_targets_of_ts_files_are_numbers_where_they_say_so(tmp_path: Path):
    for name in ('A_TRAIN', 'A_TEST'):
        lines = '\n'.join(f'{n},2,{len(name)}:{n / 2}' for n in range(5))
        (tmp_path / f'{name}.ts').write_text(f'@targetLabel true\n@data\n{lines}\n')
    made, _ = prepare_own('ts', tmp_path, 'mine', Options(), tmp_path)
    assert (made.about['target'], made.about['targets'], made.about['classes']) == ('values', ['target'], None)
    assert made.pool().y.tolist() == [[0.0], [0.5], [1.0], [1.5], [2.0]] and made.pool().x.shape == (5, 3)
    assert made.about['test_split'].startswith('by the names of files: 1 of 2 (A_TEST.ts)')
    (tmp_path / 'A_TRAIN.ts').write_text('@targetLabel true\n@data\n1,2,3:high\n')
    with pytest.raises(ValueError, match=r'a target is no number \(@targetLabel true\); mend the line'):
        prepare_own('ts', tmp_path, 'mine', Options(), tmp_path, force=True)


def test_classes_of_ts_files_that_are_numbers_stand_in_the_order_of_numbers(tmp_path: Path):
    lines = '\n'.join(f'{n},{n}:{(10, 9, 2)[n % 3]}' for n in range(30))
    (tmp_path / 'a.ts').write_text(f'# a comment\n\n@classLabel true 10 9 2\n  # another\n@data\n{lines}\n\n# and one: a\n')
    made, _ = prepare_own('ts', tmp_path / 'a.ts', 'mine', Options(), tmp_path)
    assert made.about['classes'] == ['2', '9', '10']


def test_where_a_text_is_cut():
    shortest = ''.join(chr(97 + number) for number in range(SHORTEST))
    assert [len(part) for part in cut(shortest, 0.1)] == [18, 2] and ''.join(cut(shortest, 0.3)) == shortest
    assert [len(part) for part in cut(shortest, 0.001)] == [19, 1] and [len(part) for part in cut(shortest, 0.999)] == [1, 19]


def test_files_that_lie_in_the_data_folder_need_no_source(tmp_path: Path):
    with pytest.raises(
        ValueError, match=r"no files of 'tiny_shakespeare' under .*\(looked for .*tinyshakespeare.*--source PATH"
    ):
        prepare('tiny_shakespeare', data=tmp_path)
    (tmp_path / 'tinyshakespeare').mkdir()
    with pytest.raises(ValueError, match="no files of 'tiny_shakespeare'"):
        prepare('tiny_shakespeare', data=tmp_path)
    (tmp_path / 'tinyshakespeare' / 'input.txt').write_text('To be, or not to be. ' * 9)
    made, new = prepare('tiny_shakespeare', data=tmp_path)
    assert new and made.about['sources'][0]['file'] == 'input.txt' and not prepare('tiny_shakespeare', data=tmp_path)[1]
