"""What is made of sets in their official layouts, with all that may lie beside them or be damaged: tests/golden/layouts.txt."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import golden_texts
import numpy as np
from packed import as_tar, as_zip
from packed_sets import CODES, colours, lay, png, tiny, within
from test_golden_sets import summary
from test_sources_images import write_idx
from test_sources_sequences import WIKI, parquet_texts, shard, sound
from told_values import told

from sweeps.datasets.formats.token_bin import END_OF_TEXT as END
from sweeps.datasets.material import Options
from sweeps.datasets.own import prepare_own
from sweeps.datasets.prepare import prepare
from sweeps.datasets.prepared import Prepared

Progress = Callable[[str, int, int | None], object]
PNG = colours(24)
SUM = re.compile(r'MD5 [0-9a-f]{32}')
DRAW = np.random.default_rng(6)


def written(at: Path, **files: str) -> Path:
    return lay(at, {name.replace('__', '.'): text.encode() for name, text in files.items()})


def official(name: str, make: Callable[[Path], Path], **options: object) -> Callable[[Path, Progress], tuple[Prepared, bool]]:
    return lambda at, progress: prepare(
        name, make(at / 'raw'), at, 'mine', Options(partial=True, unverified=True, **options), progress=progress
    )


def own(reader: str, make: Callable[[Path], Path], **options: object) -> Callable[[Path, Progress], tuple[Prepared, bool]]:
    return lambda at, progress: prepare_own(reader, make(at / 'raw'), 'mine', Options(**options), at, progress=progress)


def emnist(at: Path) -> Path:
    at.mkdir()
    x = DRAW.integers(0, 256, (9, 28, 28), np.uint8)
    for word, some in (('train', slice(0, 6)), ('test', slice(6, 9))):
        write_idx(at / f'emnist-letters-{word}-images-idx3-ubyte', x[some])
        write_idx(at / f'emnist-letters-{word}-labels-idx1-ubyte', np.arange(1, 10)[some])
    return at


def cifar(at: Path) -> Path:
    records = DRAW.integers(0, 256, (12, 3073), np.uint8)
    records[:, 0] %= 10
    names = 'airplane automobile bird cat deer dog frog horse ship truck'
    return lay(
        at,
        {
            'cifar-10-batches-bin/data_batch_1.bin': records[:5].tobytes(),
            'cifar-10-batches-bin/data_batch_2.bin': records[5:8].tobytes(),
            'cifar-10-batches-bin/test_batch.bin': records[8:].tobytes(),
            'cifar-10-batches-bin/batches.meta.txt': names.encode(),
            'cifar-10-batches-bin/other.html': b'-',
        },
    )


def cifar_alone(at: Path) -> Path:
    """Without names of the classes, and without examples of most."""
    records = DRAW.integers(0, 256, (6, 3073), np.uint8)
    records[:, 0] %= 3
    return lay(at, {'data_batch_1.bin': records[:4].tobytes(), 'test_batch.bin': records[4:].tobytes()})


def imagenet(at: Path) -> Path:
    files = {f'train/{CODES[n % 3]}/{n}.JPEG': PNG[n] for n in range(9)} | {f'val/v{n}.JPEG': PNG[9 + n] for n in range(3)}
    text = ''.join(f'v{n}.JPEG {code}\n' for n, code in enumerate(CODES))
    words = f'{CODES[0]} tench, Tinca tinca\n{CODES[2]} house finch\n'
    return lay(at, files | {'val.txt': text.encode(), 'LOC_synset_mapping.txt': words.encode(), 'train/notes.doc': b'-'})


def tiny_zip(at: Path) -> Path:
    return lay(at, {'tiny-imagenet-200.zip': as_zip(within('tiny-imagenet-200', tiny()))})


def pets(at: Path) -> Path:
    """A damaged image, and images for testing without a class."""
    files = {f'train/{("cat", "dog")[n % 2]}/{n}.png': PNG[n] for n in range(8)}
    files |= {f'val/{("cat", "dog")[n % 2]}/{n}.png': PNG[n] for n in range(7, 12)}
    return lay(at, files | {'train/cat/bad.png': b'no image', 'test/1.png': PNG[12], 'test/2.png': PNG[13], 'a.pdf': b'-'})


def webdataset(at: Path) -> Path:
    shards = {
        name: {f'{n:03}.{end}': x for n in some for end, x in (('png', PNG[n]), ('cls', b'%d' % (n % 3)), ('txt', b'words'))}
        for name, some in (('train-0', range(8)), ('val-0', range(8, 12)))
    }
    shards['train-0'] |= {'900.png': b'no image', '900.cls': b'1', '901.png': PNG[3]}
    shards['test-0'] = {'000.png': PNG[0], '000.cls': b'-1'}
    return lay(at, {f'{name}.tar': as_tar(files) for name, files in shards.items()})


def parquet_images(at: Path) -> Path:
    at.mkdir()
    for name, some in (('train-0', range(8)), ('valid-0', range(8, 12)), ('test-0', range(3))):
        rows = [{'img': {'bytes': PNG[n], 'path': '-'}, 'fine': -1 if 'test' in name else n % 3} for n in some]
        parquet_texts(at / f'{name}.parquet', rows)
    return at


def stories(at: Path) -> Path:
    mark = '<|endoftext|>'
    told = [f'Story {n}.\nIt was good.' for n in range(40)]
    return written(
        at,
        **{
            'TinyStories-train.txt': f'\n{mark}\n'.join(told) + f'\n{mark}\nThis one is cut',
            'TinyStories-valid.txt': f'Held.\n{mark}\nStory 3.\nIt was good.\n{mark}\n',
            'LICENSE.txt': 'not a story',
        },
    )


def json_texts(at: Path) -> Path:
    lines = [json.dumps({'body': f'text number {n} is ä'}) for n in range(30)]
    return written(at, a__jsonl='\n'.join([*lines, '{"other": 1}', 'no object', '{"body": 3}']))


def wiki(at: Path) -> Path:
    return written(at, **{f'wiki.{one}.raw': WIKI.replace('Words', f'Words of {one}') for one in ('train', 'valid', 'test')})


def fineweb(at: Path) -> Path:
    shard(at / 'fineweb_train_000001.bin', [END, 1, 2, 3, END, 4, END, 5, 6], magic=(20240520, 1))
    shard(at / 'fineweb_val_000000.bin', [END, 7, 8, 4], magic=(20240520, 1))
    return at


def digits(at: Path) -> Path:
    for digit in (0, 7):
        for index in (0, 4, 5, 12):
            sound(at / 'recordings' / f'{digit}_ann_{index}.wav', DRAW.integers(-1000, 1000, 100 + 10 * index))
    (at / 'recordings' / '7_ann_13.wav').write_bytes(b'RIFF')
    return at


def sounds(at: Path) -> Path:
    for split, count in (('train', 5), ('test', 2)):
        for name in ('low', 'high'):
            for n in range(count):
                sound(at / split / name / f'{n}.wav', DRAW.integers(-1000, 1000, 30 + n))
    return lay(at, {'train/low/bad.wav': b'RIFF', 'train/low/a.txt': b'-'})


def zinc(at: Path) -> Path:
    return written(at, valid__txt='CC\nCN\nC?\nCCO\n', test__txt='CO\nCC\n')


def names(at: Path) -> Path:
    return written(at, train__txt='\n'.join(f'name {n}' for n in range(30)), test__txt='name 3\n\nother\n')


def waves(at: Path) -> Path:
    lines = {f'Wave_{word}__tsv': '\n'.join(f'{n % 3 - 1}\t{n}\t{n / 7}' for n in some) for word, some in
             (('TRAIN', range(9)), ('TEST', range(9, 12)))}  # fmt: skip
    return written(at, **lines)


def ts(at: Path) -> Path:
    files = {f'A_{word}__ts': '@targetLabel true\n@data\n' + '\n'.join(f'{n},2{",3" * (n % 2)}:{n / 4}' for n in some)
             for word, some in (('TRAIN', range(9)), ('TEST', range(9, 12)))}  # fmt: skip
    return written(at, **files)


def proteins(at: Path) -> Path:
    letters = list('ACDEFGHIKLMNPQRSTVWY')
    rows = [''.join(DRAW.choice(letters, 30)) for _ in range(40)]
    rows[3], rows[4], rows[5] = rows[3].lower(), rows[4] + '*', rows[6]
    return written(at, a__fasta='; old\n' + ''.join(f'>r{n}\n{row}\n' for n, row in enumerate(rows)) + '>bad\nMK-V\n>none\n')


def chromosome(at: Path) -> Path:
    return written(at, a__fna='>one\n' + ''.join(DRAW.choice(list('ACGT'), 90)))


def answers(at: Path) -> Path:
    files = {
        f'{model}/model_outputs.json': json.dumps(
            [{'instruction': f'do {n}', 'output': f'{model} did {n}', 'generator': model} for n in range(20)]
        ).encode()
        for model in ('claude', 'gemini')
    }
    return lay(at, files)


def image_masks(at: Path) -> Path:
    """With a list of classes, a damaged mask, an image alone, and images for testing without masks."""
    values = [DRAW.integers(0, 3, (6, 6)).astype(np.uint8) for _ in range(9)]
    files = {f'{("train", "val")[n > 5]}/images/{n}.png': PNG[n] for n in range(9)} | {'test/images/a.png': PNG[9]}
    files |= {f'{("train", "val")[n > 5]}/masks/{n}.png': png(one) for n, one in enumerate(values)}
    files |= {'train/masks/2.png': b'no image', 'train/images/alone.png': PNG[10], 'a.csv': b'-'}
    return lay(at, files | {'classes.txt': b'# a list\n0 ground\n1 none\n2 sea\n'})


def arrays(at: Path) -> Path:
    """With groups, marks of the test split, and an example that stands in both splits."""
    at.mkdir()
    x = np.arange(40, dtype=np.float32).reshape(20, 2) / 7
    x[3] = x[17]
    marks = {'group': np.arange(20) // 2, 'is_test': np.arange(20) > 15}
    np.savez(at / 'a.npz', x=x, y=np.arange(20) % 2, classes=np.array(['no', 'yes']), **marks)
    return at / 'a.npz'


LAYOUTS = {
    'emnist': official('emnist_letters', emnist),
    'cifar': official('cifar10', cifar),
    'cifar without names': official('cifar10', cifar_alone),
    'imagenet': official('imagenet', imagenet, size=6),
    'tiny_imagenet': official('tiny_imagenet', tiny_zip),
    'image_folder': own('image_folder', pets, skip_damaged=True),
    'image_folder by hash': own('image_folder', pets, skip_damaged=True, split='hash', share=0.3, grey=True),
    'webdataset': own('webdataset', webdataset, skip_damaged=True),
    'parquet_images': own('parquet_images', parquet_images, field='fine'),
    'stories': official('tinystories', stories),
    'json texts': own('text', json_texts, field='body', skip_damaged=True, share=0.3),
    'wikitext': official('wikitext2', wiki),
    'fineweb': official('fineweb', fineweb),
    'spoken_digits': official('spoken_digits', digits, skip_damaged=True),
    'wav_folder': own('wav_folder', sounds, skip_damaged=True),
    'zinc': official('zinc', zinc, skip_damaged=True),
    'lines': own('lines', names, skip_damaged=True),
    'series': own('ucr', waves),
    'series by hash': own('ucr', waves, split='hash', share=0.4),
    'ts': own('ts', ts),
    'fasta': own('fasta', proteins, skip_damaged=True, share=0.2),
    'one record': own('fasta', chromosome, share=0.2),
    'image_masks': own('image_masks', image_masks, skip_damaged=True),
    'arrays': own('arrays', arrays, form='table'),
    'answers': official('eight_models', answers),
}  # fmt: skip


def test_official_layouts_are_read_as_they_were(tmp_path: Path):
    lines = []
    for number, (name, make) in enumerate(LAYOUTS.items()):
        (at := tmp_path / str(number)).mkdir()
        stages: list[tuple] = []
        one, _ = make(at, lambda *said, stages=stages: stages.append(said))
        lines += [f'# {name}', '; '.join(' '.join(map(str, said)) for said in stages), *summary(one)]
        lines += told('files', [source.get('file', source.get('files')) for source in one.about['sources']])
        lines = [SUM.sub('MD5 ...', line.replace(str(at), 'DATA')) for line in lines]
    golden_texts.hold('layouts', '\n'.join(lines))
