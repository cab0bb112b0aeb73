"""Small sets of a user's own, made as files: one of each form, with something in them that can be learned."""

import csv
import json
import struct
from pathlib import Path

import numpy as np

SYLLABLES = ('an', 'be', 'ca', 'do', 'el', 'fi', 'go', 'ha', 'li', 'mo', 'na', 'ra', 'so', 'ti', 'va')
TASKS = ('NR-AR', 'NR-AhR', 'SR-p53')


def images(folder: Path, count: int = 30, size: int = 16) -> Path:
    """A folder of discs and squares on noise, as PNG."""
    from PIL import Image

    generator = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    for name in ('disc', 'square'):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture = generator.integers(0, 60, (size, size, 3), np.uint8)
            down, right = generator.integers(size // 3, 2 * size // 3, 2)
            near, far = abs(y - down), abs(x - right)
            picture[(near**2 + far**2 < 16) if name == 'disc' else (near < 4) & (far < 4)] = 220
            Image.fromarray(picture).save(folder / name / f'{number}.png')
    return folder


def masked(folder: Path, count: int = 30, size: int = 16) -> Path:
    """Images of a red or green patch on noise, and masks of it: 1 or 2 on 0."""
    from PIL import Image

    generator = np.random.default_rng(8)
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        picture, mask = generator.integers(0, 60, (size, size, 3), np.uint8), np.zeros((size, size), np.uint8)
        down, right = generator.integers(0, size // 2, 2)
        place = (slice(down, down + size // 3), slice(right, right + size // 2))
        mask[place] = 1 + number % 2
        picture[place] = (220, 60, 60) if number % 2 else (60, 220, 60)
        Image.fromarray(picture).save(folder / 'images' / f'{number}.png')
        Image.fromarray(mask).save(folder / 'masks' / f'{number}.png')
    return folder


def rows(path: Path, count: int = 120) -> Path:
    """A table with numbers, of which some are missing, categories, a group and a class."""
    generator = np.random.default_rng(1)
    lines = [['id', 'age', 'city', 'weight', 'site', 'fold', 'risk']]
    for number in range(count):
        age, city = int(generator.integers(20, 80)), ('oslo', 'rome', 'bern')[generator.integers(3)]
        weight = '' if generator.random() < 0.1 else f'{generator.normal(70, 10):.1f}'
        risk = 'high' if age + 10 * (city == 'rome') > 55 else 'low'
        lines.append([number, age, city, weight, f's{number % 12}', 'test' if number % 5 == 0 else 'train', risk])
    return table(path, lines)


def table(path: Path, lines: list[list]) -> Path:
    with open(path, 'w', newline='', encoding='utf-8') as file:
        csv.writer(file).writerows(lines)
    return path


def smiles(generator: np.random.Generator) -> str:
    return ''.join(generator.choice(['C', 'O', 'N', '(C)', 'C=C', 'c1ccccc1'], generator.integers(2, 7)).tolist())


def esol(path: Path, count: int = 120) -> Path:
    """Molecules with a measured number, as ESOL: it falls with the carbons."""
    generator = np.random.default_rng(2)
    lines = [['Compound ID', 'measured log solubility in mols per litre', 'smiles']]
    for number in range(count):
        one = smiles(generator)
        solubility = 1 - 0.4 * one.upper().count('C') + generator.normal(0, 0.2)
        lines.append([f'molecule {number}', f'{solubility:.2f}', one])
    return table(path, lines)


def tox21(path: Path, count: int = 120) -> Path:
    """Molecules with labels of which some are missing, as Tox21."""
    generator = np.random.default_rng(3)
    lines = [[*TASKS, 'mol_id', 'smiles']]
    for number in range(count):
        one = smiles(generator)
        labels = [int('c1' in one), int('N' in one), int('O' in one)]
        labels[number % 3] = '' if generator.random() < 0.5 else labels[number % 3]
        lines.append([*labels, f'TOX{number}', one])
    return table(path, lines)


def names(path: Path, count: int = 5000) -> Path:
    """A name a line."""
    generator = np.random.default_rng(4)
    made = [''.join(generator.choice(SYLLABLES, generator.integers(2, 5)).tolist()) for _ in range(count)]
    path.write_text('\n'.join(made) + '\n', encoding='utf-8')
    return path


def proteins(path: Path, count: int = 300) -> Path:
    """Records of FASTA, of which every second one has a motif and a third is masked."""
    generator = np.random.default_rng(6)
    with open(path, 'w', encoding='utf-8') as file:
        for number in range(count):
            one = ''.join(generator.choice([*'ACDEFGHIKLMNPQRSTVWY'], generator.integers(60, 160)).tolist())
            one = f'{one[:30]}{"GKSTLLKALL" * (number % 2)}{one[30:50].lower() if number % 3 == 0 else one[30:50]}{one[50:]}'
            file.write(f'>made|{number} motif={number % 2}\n{one[:60]}\n{one[60:]}\n')
    return path


def reviews(path: Path, count: int = 80) -> Path:
    """Texts with a class, as JSON lines."""
    generator = np.random.default_rng(5)
    with open(path, 'w', encoding='utf-8') as file:
        for number in range(count):
            good = bool(generator.integers(2))
            words = generator.choice(['fine', 'warm', 'bright'] if good else ['cold', 'dull', 'late'], 4).tolist()
            file.write(json.dumps({'text': f'{" ".join(words)} {number}', 'stars': 'good' if good else 'bad'}) + '\n')
    return path


def series(folder: Path, count: int = 24, length: int = 20) -> Path:
    """NAME_TRAIN.ts and NAME_TEST.ts: two numbers a step, fast or slow waves."""
    generator, steps = np.random.default_rng(6), np.arange(length)
    folder.mkdir()
    for word, some in (('TRAIN', count), ('TEST', count // 2)):
        lines = [
            '# made',
            '@problemName Waves',
            '@timeStamps false',
            '@univariate false',
            '@classLabel true slow fast',
            '@data',
        ]
        for number in range(some):
            fast = number % 2
            waves = [np.sin((0.3 + 0.6 * fast) * steps + shift) + generator.normal(0, 0.1, length) for shift in (0, 1)]
            values = [','.join(f'{value:.3f}' for value in wave) for wave in waves]
            lines.append(':'.join([*values, 'fast' if fast else 'slow']))
        (folder / f'Waves_{word}.ts').write_text('\n'.join(lines) + '\n')
    return folder


def sounds(folder: Path, count: int = 12, rate: int = 4000) -> Path:
    """A folder of WAV files for each of two pitches."""
    generator = np.random.default_rng(7)
    for name, hertz in (('high', 900), ('low', 200)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            time = np.arange(generator.integers(700, 1000)) / rate
            body = (8000 * np.sin(2 * np.pi * hertz * time + generator.random())).astype('<i2').tobytes()
            head = (
                b'WAVEfmt ' + struct.pack('<IHHIIHH', 16, 1, 1, rate, 2 * rate, 2, 16) + b'data' + struct.pack('<I', len(body))
            )
            (folder / name / f'{number}.wav').write_bytes(b'RIFF' + struct.pack('<I', len(head) + len(body)) + head + body)
    return folder
