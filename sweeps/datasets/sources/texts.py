"""Texts: one text, documents in any form, WikiText, token shards, and lines (molecules)."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from ablations.option_words import option
from sweeps.datasets.material import Block, Material, Options, blocks, by_split, text_bytes
from sweeps.datasets.sources.locate import check, with_endings, with_names

_PACKED = ('', '.gz', '.xz', '.bz2', '.zst')
TEXTS = (*(f'{form}{packed}' for form in ('.txt', '.json', '.jsonl') for packed in _PACKED), '.raw', '.md', '.parquet')
MARKS = ('<|endoftext|>', '<|end_of_text|>', '<|eot_id|>', '<|endofdocument|>', '</s>', '<eos>', '<EOS>')
"""What ends documents in many texts; a text that has one twice is asked about."""
NO_MARK = 'none'
SHORTEST = 20
"""Characters: of a shorter text the last tenth would be a single one."""
TITLE = re.compile(r'^ = [^=\n].*[^=\n] = $', re.MULTILINE)
"""The title line of an article of WikiText; the titles of sections have more equality signs."""


def one_text(source: Path, options: Options, file: str, share: float = 0.1) -> Material:
    """A single text, cut in two: the last `share` of its characters is the test split, as usual for character models."""
    from sweeps.datasets.formats.text_files import read_text

    path = source if check(source).is_file() else with_names(source, [file])[file]
    pool, test = cut(read_text(path), share)
    return Material('texts', blocks([(text_bytes(pool), None)]), blocks([(text_bytes(test), None)]), [path])


def cut(text: str, share: float) -> tuple[str, str]:
    """The first and the last characters of a text."""
    if len(text) < SHORTEST:
        raise ValueError(
            f'a text of {len(text)} characters is too short to be cut in two; allowed: {SHORTEST} or more; give a longer one'
        )
    place = min(max(round(len(text) * (1 - share)), 1), len(text) - 1)
    return text[:place], text[place:]


def documents(source: Path, options: Options, mark: str | None = None) -> Material:
    """Documents of text files, JSON or Parquet; the test split is that of the file names, else by hash of content.

    The test split of a single document is its last tenth. Text after the last mark belongs to a document that was cut off; it
    is left out, with a note. Raises ValueError for a text with a usual mark where none was given, and 'none' says that it is
    text like any other.
    """
    paths = with_endings(source, TEXTS)
    mark, notes, skipped = options.mark or mark, [], []
    split = by_split(paths, source, options.split)
    pool, test = split.pool, split.test

    def stream(some: list[Path]) -> Iterator[str]:
        return itertools.chain.from_iterable(_documents(path, mark, options, notes, skipped) for path in some)

    whole = stream(pool)
    if test:
        return Material('texts', _texts(whole), _texts(stream(test)), paths, notes=notes, skipped=skipped, split=split.said)
    first = list(itertools.islice(whole, 2))
    if len(first) == 1:
        parts = [blocks([(text_bytes(part), None)]) for part in cut(first[0], options.share or 0.1)]
        last = 'tenth' if options.share is None else f'{options.share:g}'
        told = [*notes, f'one document: its last {last} is the test split']
        return Material('texts', *parts, paths, notes=told, split=f'the last {last} of the text', by_hash=True)
    return Material('texts', _texts(itertools.chain(first, whole)), None, paths, notes=notes, skipped=skipped)


def _documents(path: Path, mark: str | None, options: Options, notes: list[str], skipped: list[str]) -> Iterator[str]:
    """The texts of one file, without empty ones. A damaged entry is an error; --skip-damaged leaves it out and counts it."""
    from sweeps.datasets.formats import json_texts, parquet
    from sweeps.datasets.formats import text_files as text

    name, field = path.name.lower(), options.field or 'text'
    passed = {'skipped': skipped} if options.skip_damaged else {}
    if name.endswith('.parquet'):
        documents = parquet.read_texts([path], field, **passed)
    elif '.json' in name:
        documents = json_texts.read_json(path, field, **passed)
    else:
        documents = text.documents(path, None if mark == NO_MARK else mark)
        if mark is None:
            documents = map(_without_marks(path), documents)
        elif mark != NO_MARK:
            documents = _ended(path, documents, mark, notes)
    return (one.strip('\n') if mark not in (None, NO_MARK) else one for one in documents if one.strip())


def _without_marks(path: Path) -> Callable[[str], str]:
    """A function that gives a text back, unless it has a usual mark twice."""

    def checked(whole: str) -> str:
        for mark in MARKS:
            if (times := whole.count(mark)) > 1:
                raise ValueError(
                    f'{path}: {mark} stands in it {times:,} times: whether it ends documents can not be known; give '
                    f'{option("mark", mark)}, or {option("mark", NO_MARK)} where it is text like any other'
                )
        return whole

    return checked


def _ended(path: Path, texts: Iterable[str], mark: str, notes: list[str]) -> Iterator[str]:
    """The documents, without the last one if it lacks its mark and there are others."""
    from sweeps.datasets.formats.archives import open_stream

    last = None
    for number, text in enumerate(texts):
        if number:
            yield last
        last = text
    if last is None:
        return
    tail = b''
    with open_stream(path) as stream:
        while block := stream.read(1 << 20):
            tail = (tail + block)[-len(mark.encode()) - 64 :]
    if number and not tail.rstrip().endswith(mark.encode()):
        notes.append(f'{path.name}: the last document is cut off (no {mark} after it) and was left out')
    else:
        yield last


def _texts(texts: Iterable[str]) -> Iterator[Block]:
    return blocks((text_bytes(one), None) for one in texts)


def wikitext(source: Path, options: Options) -> Material:
    """WikiText, article by article: the raw files, or Parquet shards with a line a row."""
    from sweeps.datasets.formats.parquet import read_texts
    from sweeps.datasets.formats.text_files import all_lines

    names = [f'wiki.{split}.raw' for split in ('train', 'valid', 'test')]
    if check(source).is_dir() and any(source.rglob('*.parquet')):
        paths = with_endings(source, ('.parquet',))
        text: Callable[[Path], Iterable[str]] = lambda path: read_texts([path], 'text')  # noqa: E731
    else:
        paths = list(with_names(source, names).values())
        text = lambda path: all_lines(path, keepends=True)  # noqa: E731
    split = by_split(paths, source, options.split)
    pool, test = split.pool, split.test
    if not test:
        raise ValueError(f'{source}: no test articles among {[path.name for path in paths]}; get the official test file')
    pooled, held = (itertools.chain.from_iterable(articles(text(path)) for path in some) for some in (pool, test))
    return Material('texts', _texts(pooled), _texts(held), paths, split=split.said)


def articles(lines: Iterable[str]) -> Iterator[str]:
    """WikiText's articles from its lines: each begins with a title between single signs of equality."""
    held: list[str] = []
    for line in lines:
        if TITLE.match(line.rstrip('\n')) and any(one.strip() for one in held):
            yield ''.join(held)
            held = []
        held.append(line if line.endswith('\n') else f'{line}\n')
    if any(one.strip() for one in held):
        yield ''.join(held)


def shards(source: Path, options: Options, share: float) -> Material:
    """Token shards (.bin), document by document, or Parquet shards of text."""
    from sweeps.datasets.formats.parquet import read_texts

    check(source)
    binary = source.suffix == '.bin' if source.is_file() else any(source.rglob('*.bin'))
    paths = with_endings(source, ('.bin',) if binary else ('.parquet',))
    split, notes = by_split(paths, source, options.split), []
    if binary:

        def stream(some: list[Path]) -> Iterator[Block]:
            return blocks((tokens, None) for path in some for tokens in _token_documents(path, options, notes))
    else:

        def stream(some: list[Path]) -> Iterator[Block]:
            return _texts(one for one in read_texts(some, options.field or 'text') if one.strip())

    kind = 'tokens' if binary else 'texts'
    test = stream(split.test) if split.test else None
    return Material(kind, stream(split.pool), test, paths, share=share, notes=notes, split=split.said)


def _token_documents(path: Path, options: Options, notes: list[str]) -> Iterator[np.ndarray]:
    """The documents of one shard; `notes` is told of a shard that is one document."""
    from sweeps.datasets.formats.token_bin import read_tokens, separator_of

    tokens = read_tokens(path, dtype=options.token_type)
    if options.separator == 'none':
        return iter([tokens])
    asked = options.separator is not None
    separator = int(options.separator) if asked else separator_of(path, options.token_type)
    if not (tokens[1:-1] == separator).any():
        notes.append(f'{path.name}: token {separator} separates nothing in it: it is one document')
    return token_documents(tokens, separator)


def token_documents(tokens: np.ndarray, separator: int) -> Iterator[np.ndarray]:
    """The documents of a shard, each with the separator before it (or after, where the shard begins without one)."""
    marks = np.flatnonzero(tokens == separator)
    first = len(tokens) > 0 and tokens[0] == separator
    bounds = np.unique(np.concatenate([[0], marks if first else marks + 1, [len(tokens)]]))
    for start, stop in itertools.pairwise(bounds.tolist()):
        yield np.asarray(tokens[start:stop])


def text_lines(source: Path, options: Options) -> Material:
    """Texts, one a line, such as names; the test split is told by the names of files, else by hash of content."""
    from sweeps.datasets.formats.lines import read_lines

    skipped: list[str] = []
    split = by_split(with_endings(source, TEXTS[:5]), source, options.split)
    given = {'skipped': skipped} if options.skip_damaged else {}

    def stream(some: list[Path]) -> Iterator[Block]:
        return _texts(line for path in some for line in read_lines(path, None, **given))

    test = stream(split.test) if split.test else None
    return Material('texts', stream(split.pool), test, [*split.pool, *split.test], skipped=skipped, split=split.said)


def lines(source: Path, options: Options, files: dict[str, list[str]] | None = None) -> Material:
    """Molecules as SMILES, one a line. `files`: the file names of each split; by default the split is told by the names."""
    from sweeps.datasets.formats.lines import read_lines

    notes, lacking, skipped, said = [], [], [], ''
    if files is None:
        split = by_split(with_endings(source, ('.txt', '.smi', '.smiles', '.txt.gz', '.smi.gz')), source, options.split)
        pool, test, said = split.pool, split.test, split.said
    else:
        there = with_names(source, [name for names in files.values() for name in names], must=False)
        lacking = [name for names in files.values() for name in names if name not in there]
        pool, test = ([there[name] for name in files[split] if name in there] for split in ('pool', 'test'))
    if not pool:
        raise ValueError(f'{source}: no file for training ({(files or {}).get("pool", "*.txt")}); give the folder that has it')
    given = {'skipped': skipped} if options.skip_damaged else {}

    def stream(some: list[Path]) -> Iterator[Block]:
        return blocks((text_bytes(line), None) for path in some for line in read_lines(path, **given))

    more = {'notes': notes, 'lacking': lacking, 'skipped': skipped, 'split': said}
    return Material('molecules', stream(pool), stream(test) if test else None, [*pool, *test], **more)
