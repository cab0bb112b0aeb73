"""Findings cache: what the last reading of a study found, beside its records, so that a large plan is not made again.

Disposable. A file's name is the hash of all that findings follow from: the study, its settings, the manifest, the names, sizes
and times of change of the record files, and the sources and packages that work them out. A file that is stale is never
looked at, one that is damaged is not used, and where the folder cannot be written nothing is kept.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from ablations.digest import digest
from results.finding import Finding
from results.sources import source_hash, versions
from results.tables.context import Context, Missing
from results.tables.effects import EffectLine

FOLDER = '.cache'
"""The folder of results/cache.py, which loads a database to read its own files there."""
SLOW = 1.0
"""Seconds from which on it is worth keeping what took so long."""
KEPT = 8
"""Files that stay: one for each of the settings that a study was last read with."""
PACKAGES = ('numpy', 'scipy')
KINDS = {kind.__name__: kind for kind in (Finding, Context, Missing, EffectLine)}


def key(study: str, settings: list[str], manifest: Mapping, files: Mapping[str, list[int]]) -> str:
    """The address of findings: `study` is its digest, `files` the listing of its record files before they were read."""
    return digest([study, settings, manifest, files, source_hash(), versions(PACKAGES), sys.version])


def _plain(value: object) -> object:
    """Plain data of which `_made` makes the same again; a number of numpy becomes one of Python."""
    if type(value).__name__ in KINDS:
        return {type(value).__name__: {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, 'item') else value


def _made(value: object) -> object:
    """What `_plain` was given, with tuples for all sequences; raises KeyError or TypeError on anything else."""
    if isinstance(value, dict):
        ((name, fields),) = value.items()
        return KINDS[name](**{field: _made(item) for field, item in fields.items()})
    return tuple(_made(item) for item in value) if isinstance(value, list) else value


def _path(folder: Path, name: str) -> Path:
    return folder / FOLDER / f'findings-{name}.json'


def load(folder: Path, name: str) -> tuple[list[Finding], Context] | None:
    """The findings under this address and what a table has to say beside them; None where there are none that are whole."""
    try:
        check, _, body = _path(folder, name).read_text(encoding='utf-8').partition('\n')
        if hashlib.sha256(body.encode()).hexdigest() != check:
            return None
        findings, about = _made(json.loads(body))
        return list(findings), about
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(folder: Path, name: str, findings: list[Finding], about: Context) -> None:
    """Write findings under this address, whole or not at all; the oldest of many files goes."""
    place = folder / FOLDER
    aside = place / f'.{uuid.uuid4().hex}'
    body = json.dumps(_plain([findings, about]))
    with contextlib.suppress(OSError):
        place.mkdir(exist_ok=True)
        try:
            aside.write_text(f'{hashlib.sha256(body.encode()).hexdigest()}\n{body}', encoding='utf-8')
            os.replace(aside, _path(folder, name))
        finally:
            aside.unlink(missing_ok=True)
        newest = sorted(place.glob('findings-*.json'), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest[KEPT:]:
            path.unlink(missing_ok=True)
