"""JSON texts: a field of the objects of a JSON list or of JSON lines; packed or not."""

import json
from collections.abc import Iterator
from pathlib import Path

from sweeps.datasets.formats.allowance import allowance_of
from sweeps.datasets.formats.text_files import raw_lines, read_text


def _start(path: Path) -> str:
    """The first character after white space, or ''."""
    for line in raw_lines(path):
        if line.strip():
            return line.strip()[0]
    return ''


def _parsed(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'{name}: not JSON ({error}); allowed: a JSON list, or an object on every line; get the file again'
        ) from error


def _entries(path: Path) -> Iterator[tuple[str, str | object]]:
    """Name and value of each entry. A line stays text, so that a damaged one can be skipped."""
    if _start(path) == '[':
        text = read_text(path)
        allowance_of(path).take(path, rows=text.count('{') + text.count('['), values=text.count(','))
        for number, entry in enumerate(_parsed(text, str(path)), 1):
            yield f'{path}: entry {number}', entry
    else:
        for number, line in enumerate(raw_lines(path), 1):
            if line.strip():
                yield f'{path}: line {number}', line


def _field(entry: object, field: str, name: str) -> str:
    if isinstance(entry, str):
        entry = _parsed(entry, name)
    if not isinstance(entry, dict) or field not in entry:
        there = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise ValueError(f"{name}: no field '{field}'; there: {there}; give the field that holds the text")
    text = entry[field]
    if not isinstance(text, str):
        raise ValueError(f"{name}: field '{field}' is {type(text).__name__}; allowed: text; give a field that holds it")
    # Half of a surrogate pair can be written in JSON, and in no encoding.
    if any('\ud800' <= x <= '\udfff' for x in text):
        raise ValueError(
            f"{name}: field '{field}' holds half a character (a lone surrogate); allowed: text that UTF-8 can hold; "
            'mend the text'
        )
    return text


def read_json(path: Path, field: str, skipped: list[str] | None = None) -> Iterator[str]:
    """The text in `field` of each object, in order. Lines are read one at a time, a list at once.

    A line or entry that is not JSON, lacks the field, or has no text in it raises ValueError. With `skipped` it is appended
    there and left out instead.
    """
    any_object = False
    for name, entry in _entries(path):
        any_object = True
        try:
            yield _field(entry, field, name)
        except ValueError as error:
            if skipped is None:
                raise
            skipped.append(str(error))
    if not any_object:
        raise ValueError(f'{path}: no objects; allowed: a JSON list, or an object on every line; give such a file')
