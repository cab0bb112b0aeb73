"""Packs of records for the tests of the store."""


def record(number: int, status: str = 'ok', study: str = 'mine', size: int = 3) -> dict:
    return {
        'id': f'trial-{number}',
        'study': study,
        'arm': 'base',
        'task': 'digits',
        'dataset': 'digits',
        'replicate': 0,
        'held': 'tuning',
        'optimizer': 'adamw',
        'knobs': {'lr': 0.01},
        'seed': number,
        'status': status,
        'score': 0.5,
        'pack': {'id': 'pack', 'records': size},
    }


def pack(*numbers: int, **fields: object) -> list[dict]:
    return [record(number, size=len(numbers), **fields) for number in numbers]
