"""Findings cache: the findings of a study's last reading, saved beside its records so that a large plan is not made again.

Disposable (results/store/text_cache.py). A file's name is the hash of everything that determines findings: the study, its
settings, the manifest, the names, sizes and times of change of the record files, the sources and the packages. So a stale file
is never read.
"""

import dataclasses
import functools
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ablations.digest import digest
from ablations.study import Study
from results.average_scores import AverageScore
from results.conclusions import Conclusions, conclude
from results.finding import Finding
from results.store import text_cache
from results.store.hashes import content_hash, versions
from results.store.reading import Reading
from results.tables.effects import EffectLine
from results.tables.study_facts import Missing, StudyFacts

MOST = 8
"""How many files stay: one for each of the last few settings that a study was read with."""
PACKAGES = ('numpy', 'scipy')
KINDS = {kind.__name__: kind for kind in (Finding, StudyFacts, Missing, EffectLine, AverageScore)}


def key(study: str, settings: list[str], manifest: Mapping, files: Mapping[str, list[int]]) -> str:
    """The address of findings: `study` is its digest, `files` the listing of its record files before they were read."""
    return digest([study, settings, manifest, files, content_hash(), versions(PACKAGES), sys.version])


def _plain(value: object) -> object:
    """Plain data that `_made` turns back into the value; numpy's numbers become Python's."""
    if type(value).__name__ in KINDS:
        return {type(value).__name__: {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, 'item') else value


def _made(value: object) -> object:
    """The value that `_plain` was given, with tuples for all sequences; raises KeyError or TypeError on anything else."""
    if isinstance(value, dict):
        ((name, fields),) = value.items()
        return KINDS[name](**{field: _made(item) for field, item in fields.items()})
    return tuple(_made(item) for item in value) if isinstance(value, list) else value


def load(folder: Path, address: str) -> Conclusions | None:
    """The conclusions under this address; None where there are none or the file is damaged."""
    body = text_cache.load(folder, f'findings-{address}.json')
    try:
        findings, facts = _made(json.loads(body or ''))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return Conclusions(list(findings), facts)


def save(folder: Path, address: str, made: Conclusions) -> None:
    """Write conclusions under this address; the oldest of many files goes."""
    body = json.dumps(_plain([made.findings, made.facts]))
    text_cache.save(folder, f'findings-{address}.json', body, 'findings-*.json', MOST)


def conclude_once(
    read: Callable[[], Reading],
    study: Study,
    folder: Path,
    settings: list[str],
    manifest: Mapping,
    files: Mapping[str, list[int]],
) -> Conclusions:
    """The conclusions of a study, from its folder if an earlier call saved them there, else from the reading of `read()`.

    `settings`, `manifest` and `files` (the listing of its record files) were taken before any record was read. If they have not
    changed since the earlier call, no record is read. Conclusions that took long are saved for the next call, unless some files
    could not be used, because these are named whenever the study is read.
    """
    address = functools.partial(key, study.digest, settings, files=files)
    known = load(folder, address(manifest)) if (folder / text_cache.FOLDER).is_dir() else None
    if known is not None:
        return known
    began = time.monotonic()
    reading = read()
    made = conclude(reading)
    if time.monotonic() - began >= text_cache.SLOW and not reading.skipped:
        save(folder, address(reading.manifest), made)
    return made
