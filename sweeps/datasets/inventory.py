"""Inventory: the state of each set of the catalog and of all other prepared sets."""

from pathlib import Path

from ablations.locations import data_folder, prepared_folder
from sweeps.datasets import catalog
from sweeps.datasets.prepare import find_source
from sweeps.datasets.prepared import find, names


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())


def listing(data: Path | None = None) -> dict[str, dict]:
    """The facts of each set, by name.

    `state` is 'prepared', 'damaged' (and `why`), 'found' (files, not yet prepared), 'missing' or 'form'.
    """
    known = {name: _state(name, data) for name in catalog.DATASETS}
    own = [name for name in names(data) if name not in known]
    return known | {name: _prepared(name, data) for name in own}


def _prepared(name: str, data: Path | None) -> dict:
    try:
        prepared = find(name, data)
    except ValueError as error:
        return {'state': 'damaged', 'about': '', 'where': str(prepared_folder(data) / name), 'why': str(error)}
    about = prepared.about
    return {
        'state': 'prepared',
        'about': about.get('about', ''),
        'kind': about['kind'],
        'sizes': about['sizes'],
        'partial': about['partial'],
        'digest': about['digest'],
        'bytes': folder_bytes(prepared.folder),
        'where': str(prepared.folder),
    }


def _state(name: str, data: Path | None) -> dict:
    known = catalog.DATASETS[name]
    places = [prepared_folder(data) / name, *(data_folder(data) / folder for folder in known.folders)]
    how = {
        'about': known.about,
        'kind': known.kind,
        'looked_in': [str(place) for place in dict.fromkeys(places)],
        'get': f'{known.layouts}; from {known.origin}',
        'licence': known.licence,
    }
    if name in names(data):
        return how | _prepared(name, data)
    source = find_source(name, data)
    if source is not None:
        command = f'archlab data prepare {name}'
    else:
        command = f'archlab data prepare {name} --source PATH' + (' --name NAME' if known.form else '')
    state = 'found' if source is not None else 'form' if known.form else 'missing'
    return {'state': state, **how, **({'where': str(source)} if source else {}), 'prepare': command}
