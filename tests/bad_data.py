"""Bad data: tables and sources that are not of the form that a command is told, and damaged prepared sets."""

import functools
import io
import json
import random
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path

from bad_runs import apart, finished
from bad_things import STRANGE, Bad, bad_file

from archlab.answers import BAD_INPUT, FELL_SHORT


def bad_table(place: Path, chance: random.Random, light: bool) -> Bad:
    """A published table that cannot be read as one."""
    path, header = place / 'table.csv', 'arm,value,sd,n\n'
    rows = (
        *('', 'a,1,1,3\n', 'a,x,1,3\nb,1,1,3\n', 'a,1,-1,3\nb,1,1,3\n', 'a,1,1,0\nb,2,1,3\n', 'a,nan,1,3\nb,2,1,3\n'),
        *('a,1e400,1,3\nb,2,1,3\n', 'a,1,1,3\nb,2,1\n', 'a,1,1,3,9\nb,2,1,3\n', 'a,1,1,1e30\nb,2,1,3\n', '"a,1,1,3\nb,2,1,3\n'),
        *('a,1,1,2.5\nb,2,1,3\n', ',1,1,3\nb,2,1,3\n', 'a,1,inf,3\nb,2,1,3\n', 'a,1;2,1,3\nb,2,1,3\n'),
        *(f'{"a" * 140_000},1,1,3\nb,2,1,3\n', ''.join(f'a{i},{i}.0,1,3\n' for i in range(20_000))),
    )
    others = 'arm,value\na,1\n', 'value,sd,n\n1,1,3\n2,1,3\n', '\0' * 50, 'arm,arm,value,sd,n\na,a,1,1,3\nb,b,2,1,3\n'
    bodies = [*(header + row for row in rows), *others]
    if chance.random() < 0.4:
        bad_file(path, chance)
        return Bad(['audit', str(path)])
    path.write_text(chance.choice(bodies))
    return Bad(['audit', str(path)])


FORMS = {
    **{'mnist': 'train-images-idx3-ubyte', 'cifar10': 'data_batch_1.bin', 'cifar100': 'train.bin', 'text': 'a.json'},
    **{
        'image_folder': 'train/a/1.png',
        'parquet_images': 'train.parquet',
        'webdataset': 'train.tar',
        'smiles': 'a.smi',
        'fasta': 'a.fa',
    },
    **{'series': 'X_TRAIN.tsv', 'spoken_digits': '0_jackson_0.wav', 'zinc': 'train.txt', 'tiny_shakespeare': 'input.txt'},
    **{'imagenet': 'train/n01440764/1.JPEG', 'fineweb': 'fineweb_train_1.bin'},
}
"""Sets of data, and the name of a file that each is looked for by."""


TEXTS = ('deep', 'deep objects', 'list', 'number', 'null', 'text', 'nan', 'long number', 'surrogate', 'line', 'rows', 'zeros')
"""Bad files that are some text."""


def _archive(path: Path, chance: random.Random) -> None:
    name, kind = (
        chance.choice(['../x', '/etc/x', 'a/../../x', 'a.png']),
        chance.choice([tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE]),
    )
    if chance.random() < 0.5:
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, b'\0' * chance.choice([5, 100 << 20]))
        return
    with tarfile.open(path, 'w:gz') as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, '/etc/passwd', 5 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b'hello'))


def bad_data(place: Path, chance: random.Random, light: bool) -> Bad:
    """A source that is no set of data, or wrong options."""
    form, source = chance.choice(list(FORMS)), place / 'source'
    data = ['--data', str(place)]
    prepare = ['data', 'prepare', form, '--source', str(source), '--name', 'mine', *data]
    way = chance.choice(['file', 'inside', 'inside', 'option', 'name', 'archive', 'header'])
    if way == 'file':
        bad_file(source, chance)
    elif way == 'inside':
        path = source / FORMS[form]
        path.parent.mkdir(parents=True)
        if bad_file(path, chance) in TEXTS and form == 'tiny_shakespeare':
            # Whatever is text and long enough is a text.
            return Bad(prepare, (0, BAD_INPUT))
    elif way == 'archive':
        source = place / chance.choice(['source.zip', 'source.tar.gz', 'source.tgz', 'source.tar'])
        _archive(source, chance)
        prepare[prepare.index(str(place / 'source'))] = str(source)
    elif way == 'header':
        source.mkdir()
        vast = b'\0\0\x08\x03' + struct.pack('>3I', 2**32 - 1, 2**32 - 1, 2**32 - 1)
        wav = (
            b'RIFF'
            + struct.pack('<I', 2**32 - 1)
            + b'WAVEfmt '
            + struct.pack('<IHHIIHH', 16, 1, 1, 8000, 16000, 2, 16)
            + b'data'
            + struct.pack('<I', 2**32 - 1)
        )
        png = (
            b'\x89PNG\r\n\x1a\n'
            + struct.pack('>I', 13)
            + b'IHDR'
            + struct.pack('>IIBBBBB', 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
            + b'\0' * 8
        )
        content = {'mnist': vast, 'spoken_digits': wav, 'image_folder': png, 'imagenet': png, 'series': b'1e300\t1\t2\n'}.get(
            form, vast
        )
        for name in (
            FORMS[form],
            FORMS[form].replace('train', 't10k'),
            'train/b/1.png',
            'X_TEST.tsv',
            'train-labels-idx1-ubyte',
            't10k-labels-idx1-ubyte',
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
    else:
        source.mkdir()
        (source / 'a.txt').write_text('some text\n' * 5)
        prepare = ['data', 'prepare', 'text', '--source', str(source), '--name', 'mine', *data]
        if way == 'name':
            prepare[6 if chance.random() < 0.5 else 2] = chance.choice(STRANGE)
        else:
            prepare = ['data', 'prepare', 'image_folder', '--source', str(_pictures(source)), '--name', 'mine', *data]
            prepare += ['--size', chance.choice(('0', '-1', 'nan', 'x', '1' + '0' * 9, '1' + '0' * 30, ''))]
    return Bad(prepare)


def _pictures(source: Path) -> Path:
    from PIL import Image

    for name in ('train/a', 'train/b'):
        (source / name).mkdir(parents=True)
        for number in range(3):
            Image.new('RGB', (4, 4), (number, 9, 9)).save(source / name / f'{number}.png')
    return source


@functools.cache
def prepared_set() -> Path:
    """A data folder with one prepared set; copied, never changed."""
    import numpy as np

    from sweeps.datasets import prepared

    place = finished() / 'data'
    part = prepared.Part(np.arange(32, dtype=np.uint8).reshape(8, 2, 2, 1), np.arange(8, dtype=np.int32) % 2, np.arange(8))
    apart(lambda: prepared.write(place / 'prepared' / 'little', {'kind': 'images'}, part, part))
    return place


def harmed_data(place: Path, chance: random.Random, light: bool) -> Bad:
    """A prepared set of which one file is not what it should be."""
    shutil.copytree(prepared_set(), place / 'data')
    folder = place / 'data' / 'prepared' / 'little'
    if chance.random() < 0.5:
        about = json.loads((folder / 'about.json').read_text())
        if chance.random() < 0.5:
            way = bad_file(folder / 'about.json', chance)
        else:
            way, key = 'types', chance.choice(['name', 'kind', 'sizes', 'balance', 'checksums', 'digest', 'format'])
            about[key] = chance.choice([None, 5.5, [], [[]], True, -1])
            (folder / 'about.json').write_text(json.dumps(about))
        if chance.random() < 0.4:
            return Bad(
                ['data', 'list', '--data', str(place / 'data')],
                (0,),
                '' if way in ('absent', 'nowhere', 'itself') else 'little',
            )
    else:
        path = chance.choice(sorted(folder.glob('*/*.npy')))
        if chance.random() < 0.5:
            bad_file(path, chance)
        else:
            content = bytearray(path.read_bytes())
            content[chance.randrange(len(content))] ^= 255
            path.write_bytes(content)
        return Bad(
            ['data', 'show', 'little', '--check', '--data', str(place / 'data')], (FELL_SHORT, BAD_INPUT), 'pool|test|little'
        )
    return Bad(['data', 'show', 'little', '--data', str(place / 'data')])
