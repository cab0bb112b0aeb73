"""JSON texts: lists, lines, packed, and entries that are damaged."""

import json
import re

import pytest

from sweeps.datasets.formats.json_texts import read_json

ENTRIES = [{'text': 'one', 'n': 1}, {'text': 'Grüße\n"zwei"'}, {'text': ''}, {'text': 'vier 🙂', 'more': [1, {'text': 'no'}]}]
TEXTS = [entry['text'] for entry in ENTRIES]


@pytest.mark.parametrize('suffix', ['', '.gz', '.xz'])
@pytest.mark.parametrize(
    'content',
    [
        json.dumps(ENTRIES),
        json.dumps(ENTRIES, indent=2, ensure_ascii=False),
        '\n \n' + json.dumps(ENTRIES),
        '\n'.join(map(json.dumps, ENTRIES)),
        '\r\n\r\n'.join(json.dumps(entry, ensure_ascii=False) for entry in ENTRIES) + '\r\n',
        '\ufeff' + json.dumps(ENTRIES),
    ],
    ids=['list', 'indented', 'late_list', 'lines', 'crlf', 'byte_order_mark'],
)
def test_lists_and_lines(packed, content, suffix):
    assert list(read_json(packed(f'a.json{suffix}', content.encode()), 'text')) == TEXTS


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('{"content": "x", "b": 1}', r"no field 'text'; there: \['b', 'content'\]"),
        ('{"text": 5}', "field 'text' is int; allowed: text"),
        ('{"text": null}', "field 'text' is NoneType"),
        ('[1, 2]', "no field 'text'; there: list"),
        *((f'{{"text": "a\\u{half}"}}', "field 'text' holds half a character") for half in ('d800', 'dbff', 'dc00', 'dfff')),
        ('{"text": "cut', 'not JSON'),
        ('{"text": "a"} {"text": "b"}', 'not JSON'),
        ('[' * 100_000, 'not JSON'),
    ],
)
def test_damaged_lines_are_errors_or_counted(packed, line, message):
    good = json.dumps(ENTRIES[0])
    path = packed('a.jsonl', f'{good}\n{line}\n{good}\n'.encode())
    with pytest.raises(ValueError, match=rf'a\.jsonl: line 2: {message}'):
        list(read_json(path, 'text'))
    skipped = []
    assert list(read_json(path, 'text', skipped)) == ['one', 'one']
    assert len(skipped) == 1 and re.search(rf'a\.jsonl: line 2: {message}', skipped[0])


def test_damaged_entries_of_a_list(packed):
    path = packed('a.json', json.dumps([*ENTRIES, {'texts': 'x'}, 'text']).encode())
    with pytest.raises(ValueError, match=r"entry 5: no field 'text'; there: \['texts'\]"):
        list(read_json(path, 'text'))
    skipped = []
    assert list(read_json(path, 'text', skipped)) == TEXTS
    assert len(skipped) == 2


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'no objects'),
        ('\n\n', 'no objects'),
        ('[]', 'no objects'),
        (json.dumps(ENTRIES)[:-9], 'not JSON'),
        (json.dumps(ENTRIES[0], indent=2), 'line 1: not JSON'),
    ],
)
def test_wrong_files(packed, content, message):
    with pytest.raises(ValueError, match=rf'a\.json: {message}'):
        list(read_json(packed('a.json', content.encode()), 'text'))


def test_other_encodings_and_cut_files(packed):
    with pytest.raises(ValueError, match='byte 0xfc at offset 12 is not UTF-8'):
        list(read_json(packed('a.json', '[{"text": "Gü"}]'.encode('latin1')), 'text'))
    path = packed('b.jsonl.gz', '\n'.join(json.dumps({'text': str(i) * 50}) for i in range(999)).encode())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r'b\.jsonl\.gz: damaged or cut short'):
        list(read_json(path, 'text'))


def test_the_real_outputs(shared):
    """Counts and mean length as the folder's README has them."""
    texts = list(read_json(shared('alpaca-eval-outputs/claude-2/model_outputs.json.gz'), 'output'))
    assert len(texts) == 805
    assert round(sum(map(len, texts)) / 805) == 1070
    assert '' in read_json(shared('alpaca-eval-outputs/gemini-pro/model_outputs.json.gz'), 'output')
    with pytest.raises(
        ValueError, match=r"entry 1: no field 'text'; there: \['dataset', 'generator', 'instruction', 'output'\]"
    ):
        list(read_json(shared('alpaca-eval-outputs/claude-2/model_outputs.json.gz'), 'text'))
