"""Packs of records that are read by way of the cache, and the parts that it keeps."""

import json
from pathlib import Path

from results.store import parquet_cache as cache
from results.store.records import commit

SIZE = 3


def record(pack: str, lane: int, **fields: object) -> dict:
    return {
        'id': f'{pack}-{lane}',
        'study': 'mine',
        'arm': 'base',
        'task': 'digits',
        'dataset': 'digits',
        'replicate': 1,
        'held': 'tuning',
        'optimizer': 'adamw',
        'knobs': {'lr': 0.01, 'weight_decay': 1 / 3},
        'seed': 2**31 + lane,
        'status': 'ok',
        'score': lane / 7,
        'curve': {'step': [0, 5], 'score': [None, lane / 7]},
        'environment': {'source': 'abc', 'versions': {'jax': '1'}},
        'pack': {'id': pack, 'records': SIZE, 'lane': lane},
        **fields,
    }


def write(folder: Path, *packs: str) -> None:
    for pack in packs:
        assert commit(folder, pack, [record(pack, lane) for lane in range(SIZE)])


def read(folder: Path, **options: object) -> list[str]:
    """The trials in order, after checking that whole rows came back."""
    connection = cache.connect()
    selected = cache.rows(connection, 'fresh', folder, 'mine', **options)
    query = f'SELECT id, file, knobs, seed, score, curve.score, environment FROM ({selected.select}) ORDER BY file, place'
    rows = connection.execute(query).fetchall()
    connection.close()
    for name, file, knobs, seed, score, scores, environment in rows:
        pack, _, lane = name.partition('-')
        assert file == f'{pack}.jsonl'
        assert knobs == {'lr': 0.01, 'weight_decay': 1 / 3}
        assert (seed, score, scores) == (2**31 + int(lane), int(lane) / 7, [None, int(lane) / 7])
        assert json.loads(environment) == {'source': 'abc', 'versions': {'jax': '1'}}
    return [row[0] for row in rows]


def parts(folder: Path) -> list[Path]:
    return sorted((folder / cache.FOLDER).glob('*.parquet'))


def trials(*packs: str) -> list[str]:
    return [f'{pack}-{lane}' for pack in packs for lane in range(SIZE)]
