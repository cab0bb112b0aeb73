"""Bundle: a published study. Records, manifest, tables, figures, report, and the versions that made them.

    records/records.jsonl.gz    every record file of the study, one after the other
    manifest.json               costs, looks taken, test reads
    table.md .tex .csv .json    figures/    report.html
    bundle.json                 the study as plain data with its digest and settings, rules of the checklist that fail, the
                                versions of what renders, the sha256 of every rendered file and of the records

A bundle is a runs folder like any other: `archlab table NAME --runs results/published` reads it. That of a comparison of
searchers has a folder NAME_searchers and one file more, comparison.json (results/gains/comparison_bundle.py).
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from results.store import atomic, compressed, defined, records, regular
from results.store.hashes import DECIDING, PAGES, syntax_hash, versions
from results.store.reading import Reading
from results.verify import verify

FILE, MANIFEST = 'bundle.json', 'manifest.json'
RECORDS = compressed.FILE
COMPLETE, SPARED = 'the study is complete', 'no recipe is censored'
"""Rules of the checklist: one that every bundle must keep, and one that every page reports by itself."""
KEYS = {
    **{'study': str, 'digest': str, 'settings': list, 'definition': dict, 'failing': list},
    **{'versions': dict, 'source': str, 'records': dict, 'files': dict},
}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def broken_rules(reading: Reading, force: bool = False) -> list[str]:
    """The rules of the checklist that a study breaks; raises ValueError where they forbid to publish it.

    An unfinished study is never published. A study that breaks another rule is published only by `force`.
    """
    broken = [check for check in verify(reading) if not check.holds]
    for check in broken:
        if check.rule == COMPLETE:
            raise ValueError(f"study '{reading.study.name}' cannot be published: {check.rule}: no, {check.why}")
        if check.rule != SPARED and not force:
            raise ValueError(
                f"study '{reading.study.name}' cannot be published: the rule '{check.rule}' fails ({check.why}); mend that, or "
                'publish it with --force, which writes the rule into the bundle'
            )
    return [check.rule for check in broken]


def _lines(folder: Path) -> bytes:
    """The lines of all record files of a runs folder, in reading order."""
    files = (records.content(folder / records.FOLDER / name) for name in records.listing(folder))
    return b''.join(content if content.endswith(b'\n') else content + b'\n' for content in files)


def target_in(out: Path, name: str) -> Path:
    """Where a bundle goes; raises ValueError where something else lies there."""
    target = out / name
    if target.exists() and not (target / FILE).exists():
        raise ValueError(f'{target} is there and is no bundle (it has no {FILE}); remove it, or give --out another folder')
    return target


def publish(reading: Reading, rendered: Mapping[str, bytes], out: Path, force: bool = False) -> Path:
    """Write the bundle of a study into the folder `out`, whole or not at all, and give its path.

    `rendered` holds its tables, figures and pages by name. An older bundle of the study is replaced. Raises ValueError as
    `broken_rules` does, and where something else lies in its place.
    """
    return write(reading, rendered, target_in(out, reading.study.name), broken_rules(reading, force))


def write(
    reading: Reading,
    rendered: Mapping[str, bytes],
    target: Path,
    broken: list[str],
    beside: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a bundle into `target`, whole or not at all, and give its path.

    `broken` are the rules of the checklist that its study breaks, `beside` more files that nothing renders.
    """
    lines = _lines(reading.folder)
    about = {
        'study': reading.study.name,
        'digest': reading.study.digest,
        'settings': list(reading.settings),
        'definition': reading.study.to_dict(),
        'failing': broken,
        'versions': versions(),
        'source': syntax_hash(DECIDING + PAGES, docstrings=True),
        'records': {'lines': lines.count(b'\n'), 'sha256': _sha256(lines)},
        'files': {name: _sha256(content) for name, content in sorted(rendered.items())},
    }
    files = {
        **rendered,
        **(beside or {}),
        f'{records.FOLDER}/{RECORDS}': compressed.packed(lines),
        MANIFEST: json.dumps(reading.manifest, indent=1, sort_keys=True).encode(),
        FILE: (json.dumps(about, indent=1, allow_nan=False) + '\n').encode(),
    }
    with atomic.replacing_folder(target) as place:
        for name, content in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return target


def read(path: Path) -> dict:
    """The content of a bundle's bundle.json; raises ValueError where `path` is no whole bundle."""
    try:
        atomic.recover(path)
        about = json.loads(regular.read(path / FILE))
    except FileNotFoundError:
        raise ValueError(
            f'{path} is no published bundle (it has no {FILE}); give the folder of one, e.g. results/published/quickstart, or '
            'make one: archlab publish STUDY'
        ) from None
    except OSError as error:
        raise ValueError(regular.unread(path / FILE, error)) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path / FILE} is damaged ({error}); take the bundle from where it was published') from None
    wrong = [key for key, kind in KEYS.items() if not isinstance(about, dict) or not isinstance(about.get(key), kind)]
    wrong = wrong or ['settings in words'] * (not all(isinstance(one, str) for one in about['settings']))
    if wrong:
        raise ValueError(f'{path / FILE} is damaged (it lacks {wrong}); take the bundle from where it was published')
    return about


def lay_out(path: Path, folder: Path) -> None:
    """Copy a bundle's records, manifest and definition into a runs folder, so that nothing is written beside the bundle."""
    try:
        (folder / records.FOLDER).mkdir(parents=True)
        for source in (path / MANIFEST, *sorted((path / records.FOLDER).iterdir())):
            (folder / source.relative_to(path)).write_bytes(regular.read(source))
        defined.save_as(folder, read(path)['definition'])
    except OSError as error:
        raise ValueError(
            f'{path} is no whole bundle ({error.filename}: {error.strerror}); take it from where it was published'
        ) from None


@dataclasses.dataclass(frozen=True)
class FileComparison:
    """A rendered file beside the published one: whether they are the same, or why not ('' where only bytes differ)."""

    file: str
    same: bool
    why: str = ''


def compare(path: Path, about: Mapping, rendered: Mapping[str, bytes]) -> list[FileComparison]:
    """Every file that a bundle has or should have, byte by byte."""
    comparisons = []
    for name in sorted({**about['files'], **rendered}):
        content = (path / name).read_bytes() if (path / name).is_file() else None
        edited = content is not None and name in about['files'] and _sha256(content) != about['files'][name]
        if content is None:
            why = 'it is not in the bundle'
        elif name not in rendered:
            why = 'it is not rendered any more'
        else:
            why = 'it was changed after it was published' if edited else ''
        same = content is not None and content == rendered.get(name)
        comparisons.append(FileComparison(name, same, '' if same else why))
    return comparisons


def reasons(path: Path, about: Mapping, reading: Reading) -> list[str]:
    """Why files rendered now may differ from the published ones; `reading` is the bundle's."""
    said = [f'records are not sound: {sentence}' for sentence in reading.skipped]
    try:
        whole = _sha256(_lines(path)) == about['records'].get('sha256')
    except (OSError, ValueError):
        whole = False
    if not whole:
        said.append('the records are not those that were published')
    if reading.study.digest != about['digest']:
        now = reading.study.to_dict()
        changed = sorted(name for name in {**now, **about['definition']} if now.get(name) != about['definition'].get(name))
        said.append(f'the study has changed since, in {", ".join(changed) or "what its digest is made of"}')
    for name, version in versions().items():
        if about['versions'].get(name) != version:
            said.append(f'{name} {version} is installed, {about["versions"].get(name)} rendered the bundle')
    if syntax_hash(DECIDING + PAGES, docstrings=True) != about['source']:
        said.append("the lab's own studies, plan or results have changed since (another version of the sources)")
    missing = sum(trial.id not in reading.records for trial in reading.schedule.trials)
    if missing or not reading.schedule.complete:
        said.append(f'{missing} of {len(reading.schedule.trials)} trials that are planned now are not recorded')
    return said
