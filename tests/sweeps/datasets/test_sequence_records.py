"""Sequence records: what FASTA files become, what is told of them, and which letters are refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from own_sources import prepared, written

from ablations.option_words import in_a_file
from ablations.tasks.derived import derive
from ablations.tasks.own_task import ENDINGS, OwnTask
from sweeps.datasets.prepare import prepare
from sweeps.datasets.prepared import Prepared
from sweeps.datasets.show import lines
from sweeps.datasets.sources.sequence_records import ALLOWED, FASTA, PAIRS
from sweeps.tasks.text import Text

RESIDUES = 'ACDEFGHIKLMNPQRSTVWY'
BASES = 'ACGT'


def drawn(letters: str, count: int, length: int = 80, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return [''.join(generator.choice([*letters], length)) for _ in range(count)]


def as_fasta(records: list[str], width: int = 30) -> str:
    wrapped = ('\n'.join(one[start : start + width] for start in range(0, len(one), width)) for one in records)
    return ''.join(f'>answer {number} of class {number % 2}\n{one}\n' for number, one in enumerate(wrapped))


def texts(one: Prepared, split: str) -> list[str]:
    part = getattr(one, split)()
    return [bytes(np.asarray(part.example(number))).decode() for number in range(len(part))]


def both(one: Prepared) -> list[str]:
    return sorted(texts(one, 'pool') + texts(one, 'test'))


def test_no_header_reaches_a_model_and_letters_are_capital(tmp_path: Path):
    records = drawn(RESIDUES, 40)
    mixed = [one[:9] + one[9:30].lower() + one[30:] + '*' * (number % 2) for number, one in enumerate(records)]
    one = prepared(tmp_path, 'fasta', written(tmp_path / 'a.faa', '; a comment\n' + as_fasta(mixed)), share=0.2)
    assert both(one) == sorted(records)
    assert one.about['kind'] == 'texts' and one.about['alphabet'] == 'amino_acids'
    assert one.about['notes'] == [
        'amino acids: 40 records of 3,200 residues, without their headers',
        '840 small letters (masked regions) were made capital',
        '20 records ended with *, which was left out: the end says it',
        '1 lines of comment (;) were left out',
    ]
    counts = one.about['letters']
    assert counts == {letter: ''.join(records).count(letter) for letter in counts} and sum(counts.values()) == 3200
    assert [*counts.values()] == sorted(counts.values(), reverse=True)
    shown = [line for line in lines({'where': '', **one.about}) if line.startswith('letters')]
    assert len(shown) == 1 and f'{next(iter(counts))} {max(counts.values()) / 3200:.1%}' in shown[0]


def test_stops_and_ambiguous_letters_are_letters(tmp_path: Path):
    records = [f'MKX*{one}BZJUO' for one in drawn(RESIDUES, 20)]
    assert both(prepared(tmp_path, 'fasta', written(tmp_path / 'a.faa', as_fasta(records)), share=0.3)) == sorted(records)
    records = [f'NNRYKMSWBDHV{one}NN' for one in drawn(BASES, 20, 120)]
    one = prepared(tmp_path / 'other', 'fasta', written(tmp_path / 'b.fna', as_fasta(records)), share=0.3)
    assert both(one) == sorted(records) and one.about['alphabet'] == 'nucleotides'
    assert one.about['notes'] == ['nucleotides: 20 records of 2,680 bases, without their headers']


@pytest.mark.parametrize('name', ['a.fasta', 'a.fa', 'a.faa', 'a.fna', 'a.ffn', 'a.fa.gz'])
def test_a_file_of_every_ending_is_told_by_its_name(tmp_path: Path, name: str):
    content = as_fasta(drawn(BASES, 30)).replace('\n', '\r\n').encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith('.gz') else content)
    assert OwnTask(source=name).read == 'fasta' and name.endswith(FASTA)
    assert len(both(prepared(tmp_path, 'fasta', tmp_path / name, share=0.3))) == 30


def test_endings_are_those_that_the_reader_reads():
    assert {ending for ending, reader in ENDINGS.items() if reader == 'fasta'} <= set(FASTA)


def test_a_folder_is_one_set_and_other_files_are_counted(tmp_path: Path):
    folder, records = tmp_path / 'set', drawn(BASES, 40)
    (folder / 'more').mkdir(parents=True)
    written(folder / 'a.fna', as_fasta(records[:20]))
    (folder / 'more' / 'b.fna.gz').write_bytes(gzip.compress(as_fasta(records[20:]).encode()))
    written(folder / 'a.gff', 'features\n')
    one, _ = prepare('fasta', folder, tmp_path, called='mine')
    assert both(one) == sorted(records) and 'not read: 1 .gff' in one.about['notes']
    assert one.about['test_split'] == '0.1 of the examples, by hash of content'


def test_files_called_test_are_the_test_split(tmp_path: Path):
    folder, records = tmp_path / 'set', drawn(RESIDUES, 30)
    folder.mkdir()
    written(folder / 'train.faa', as_fasta(records[:24]))
    written(folder / 'test.faa', as_fasta([*records[24:], records[0].lower()]))
    one = prepared(tmp_path, 'fasta', folder)
    assert texts(one, 'test') == [*records[24:], records[0]] and texts(one, 'pool') == records[1:24]
    assert '1 examples of the pool are identical to a test example and were left out' in one.about['notes']
    assert one.about['notes'].count('amino acids: 31 records of 2,480 residues, without their headers') == 1


def test_equal_records_share_a_group_whatever_their_headers_case_and_stops(tmp_path: Path):
    records = drawn(RESIDUES, 30)
    one = prepared(tmp_path, 'fasta', written(tmp_path / 'a.faa', as_fasta([*records, *(f'{x.lower()}*' for x in records)])))
    assert sum(one.about['sizes'].values()) == 60 and not set(texts(one, 'pool')) & set(texts(one, 'test'))
    assert len(set(one.pool().group.tolist())) == len(set(texts(one, 'pool'))) == one.about['sizes']['pool'] // 2


def test_both_strands_of_a_nucleic_acid_share_a_group(tmp_path: Path):
    assert b'ACGTNRWBD'.translate(PAIRS) == b'TGCANYWVH'
    assert ALLOWED['nucleotides'].translate(PAIRS).translate(PAIRS) == ALLOWED['nucleotides']
    records = drawn(BASES, 30)
    other = [one[::-1].translate(str.maketrans('ACGT', 'UGCA' if n % 2 else 'TGCA')) for n, one in enumerate(records)]
    one = prepared(tmp_path, 'fasta', written(tmp_path / 'a.fna', as_fasta([*records, *other])), share=0.3)
    for split, count in one.about['sizes'].items():
        assert len(set(getattr(one, split)().group.tolist())) == count // 2
    pair = dict(zip(records, other, strict=True))
    assert not {pair[x] for x in texts(one, 'pool') if x in pair} & set(texts(one, 'test'))
    count = one.about['sizes']['pool'] // 2
    told = f'{count:,} examples of pool share the group of another one, equal or its reverse complement'
    assert told in one.about['notes']


def test_of_a_single_record_the_last_tenth_is_the_test_split(tmp_path: Path):
    (whole,) = drawn(BASES, 1, 1000)
    one = prepared(tmp_path, 'fasta', written(tmp_path / 'a.fa', as_fasta([whole])))
    assert (texts(one, 'pool'), texts(one, 'test')) == ([whole[:900]], [whole[900:]])
    assert one.about['test_split'] == 'the last tenth of the record'
    assert one.about['notes'][-1] == 'one record: its last tenth is the test split'


REFUSED = {
    'a gap': (
        drawn(RESIDUES, 9) + ['MKV--LLA'],
        {},
        r"record 10 \('>answer 9 of class 1', line 37\) has a gap \(-\); .* without",
    ),
    'a figure': ([*drawn(RESIDUES, 9), 'MKV1LLA'], {}, r"record 10 .* holds '1'; allowed: amino acids \(ACD.*; mend it"),
    'a letter of no base': (
        [*drawn(BASES, 9), 'ACGTEACGT'],
        {},
        r"record 10 .* holds 'E'; .*is it a protein\? one set holds one",
    ),
    'a stop among bases': ([*drawn(BASES, 9), 'ACGT*'], {}, r"record 10 .* holds '\*'; allowed: nucleotides \(ACGTU"),
    'bases among proteins': (
        [*drawn(RESIDUES, 9), *drawn(BASES, 1)],
        {},
        'record 10 .* looks like nucleotides among amino acids',
    ),
    'few letters': (['ACGTTGCA'], {}, 'of its first 8 letters 100% are A, C, G, T, U or N; whether .* can not be known; give '),
    'letters of both': (
        drawn('ACGTLE', 9),
        {},
        r"whether they are nucleotides or amino acids can not be known; give form='nuc",
    ),
    'a form of something else': (
        drawn(BASES, 9),
        {'form': 'smiles'},
        r"form='smiles'; allowed: \['nucleotides', 'amino_acids'\]",
    ),
}


@pytest.mark.parametrize(('records', 'options', 'said'), REFUSED.values(), ids=REFUSED)
def test_letters_of_neither_are_refused_by_name(tmp_path: Path, records: list[str], options: dict, said: str):
    with in_a_file(), pytest.raises(ValueError, match=said):
        prepared(tmp_path, 'fasta', written(tmp_path / 'a.fa', as_fasta(records)), **options)
    assert not list((tmp_path / 'prepared').glob('[a-z]*'))


def test_damaged_records_are_left_out_where_that_is_said_and_counted(tmp_path: Path):
    records = drawn(BASES, 30)
    path = written(tmp_path / 'a.fa', as_fasta([*records, 'ACG--T', 'MKLE']) + '>nothing\n')
    one = prepared(tmp_path, 'fasta', path, skip_damaged=True)
    assert both(one) == sorted(records) and '3 damaged examples were left out' in ' '.join(one.about['notes'])
    assert len(one.about['skipped']) == 3


@pytest.mark.parametrize(('form', 'letters'), [('amino_acids', 'ACGT'), ('nucleotides', 'ACGTSWY')])
def test_what_the_letters_do_not_tell_may_be_said(tmp_path: Path, form: str, letters: str):
    one = prepared(tmp_path, 'fasta', written(tmp_path / 'a.fa', as_fasta(drawn(letters, 20))), form=form, share=0.3)
    assert one.about['alphabet'] == form


@pytest.mark.parametrize(
    ('letters', 'unit', 'domain', 'margin'),
    [(RESIDUES, 'bits per residue', 'proteins', 0.02), (BASES, 'bits per base', 'nucleic acids', 0.01)],
)
def test_a_task_counts_bits_per_residue_or_base(tmp_path: Path, letters: str, unit: str, domain: str, margin: float):
    one = prepared(tmp_path, 'fasta', written(tmp_path / 'a.fa', as_fasta(drawn(letters, 300, 100))))
    task = derive(OwnTask(source='a.fa', length=32), 'mine', one.about, '')
    assert (task.unit, task.domain, task.margin, task.direction) == (unit, domain, margin, 'lower')
    assert task.chance == pytest.approx(np.log2(257)) and task.data['unit'] == 'bits per byte'
    spelled = derive(OwnTask(source='a.fa', length=32, tokens='characters'), 'mine', one.about, '')
    assert spelled.chance == pytest.approx(np.log2(len(letters) + 2)) and spelled.unit == unit
    assert derive(OwnTask(source='a.fa', unit='nats per token'), 'mine', one.about, '').unit == 'nats per token'


@pytest.mark.parametrize('seed', range(3))
def test_no_replicate_tears_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    records = drawn(RESIDUES, 200, 150)
    prepared(tmp_path, 'fasta', written(tmp_path / 'a.faa', as_fasta([*records, *records[:40]])))
    text = Text('mine', length=16, spacing=8, held=40)
    pool = text.pool()
    train, held = text.split(pool, seed)
    owner = {one[start : start + 17]: number for number, one in enumerate(records) for start in range(134)}

    def owners(places: np.ndarray) -> set[int]:
        rows = np.concatenate([pool.x[places], pool.y[places][:, -1:]], 1)
        whole = [bytes(row.astype(np.uint8)).decode('latin-1') for row in rows[(rows < 256).all(1)]]
        return {owner[one] for one in whole}

    assert owners(train) and owners(held) and not owners(train) & owners(held)


@pytest.mark.parametrize(('odd', 'taken'), [('MKVDHS' * 12, True), ('ACGT' * 14 + 'ACG', True), ('ACGT' * 15, False)])
def test_a_record_of_nucleotides_among_proteins_is_told_from_a_protein(tmp_path: Path, odd: str, taken: bool):
    """Proteins may be of letters that stand for nucleotides too, and short ones of A, C, G and T alone."""
    proteins = ''.join(f'>p{number}\nMEEPQLILF{"LS" * number}\n' for number in range(30))
    (tmp_path / 'a.faa').write_text(f'{proteins}>odd\n{odd}\n')
    if taken:
        assert sum(prepared(tmp_path, 'fasta', tmp_path / 'a.faa').about['sizes'].values()) == 31
        return
    with pytest.raises(ValueError, match='looks like nucleotides among amino acids; one set holds one kind'):
        prepared(tmp_path, 'fasta', tmp_path / 'a.faa')
    assert sum(prepared(tmp_path, 'fasta', tmp_path / 'a.faa', form='amino_acids').about['sizes'].values()) == 31
