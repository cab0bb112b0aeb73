"""Locate: the files of a set in the folder that a user names."""

from pathlib import Path

from ablations.option_words import option

PACKED = ('', '.gz', '.xz', '.bz2', '.zst')
LISTED = 12
ASIDE = ('license', 'licence', 'readme', 'notice', 'citation', 'copying', '.')
"""How the names of files begin that lie beside data and are not data."""
OWN = 'prepared'
"""The folder of prepared sets; it may lie in a folder of the user's choice."""


def check(source: Path) -> Path:
    """The source. Raises ValueError if it is not there, or is a pipe or a device, which has no end to wait for."""
    if not source.exists():
        raise ValueError(f"no such file or folder '{source}'; give the place where the files lie: {option('source')}")
    if not (source.is_file() or source.is_dir()):
        raise ValueError(f"'{source}' is neither a file nor a folder; give the place where the files lie: {option('source')}")
    return source


def _own(path: Path, source: Path) -> bool:
    """Whether a file belongs to the prepared sets, or to a hidden folder."""
    return any(part == OWN or part.startswith('.') for part in path.relative_to(source).parts[:-1])


def beside(path: Path, source: Path) -> bool:
    """Whether a file below a source is no data: a licence, a read-me file, hidden, or of the prepared sets."""
    return path.name.lower().startswith(ASIDE) or _own(path, source)


def with_names(source: Path, names: list[str], must: bool = True) -> dict[str, Path]:
    """The file of each name, packed or not, in or below a folder. Raises ValueError with the names that are missing."""
    check(source)
    folder = source if source.is_dir() else source.parent
    located = {}
    for name in names:
        places = [
            path for ending in PACKED for path in (folder / f'{name}{ending}', *sorted(folder.glob(f'**/{name}{ending}')))
        ]
        path = next((path for path in places if path.is_file()), None)
        if path is not None:
            located[name] = path
    missing = [name for name in names if name not in located]
    if missing and must:
        there = sorted(path.name for path in folder.iterdir())
        listed = f'{", ".join(there[:LISTED]) or "nothing"}{" ..." if len(there) > LISTED else ""}'
        raise ValueError(
            f'{folder}: no {", ".join(missing)} (plain, or packed with gz, xz or bz2); there: {listed}; give the '
            f'folder with the official files: {option("source")}'
        )
    return located


def with_endings(source: Path, endings: tuple[str, ...]) -> list[Path]:
    """All files with one of the endings, in order of their paths: the source itself, or the files in and below it.

    Licences and read-me files are left out. Raises ValueError if no file is left.
    """
    if check(source).is_file():
        files = [source] if source.name.lower().endswith(endings) else []
    else:
        fitting = (path for path in source.rglob('*') if path.name.lower().endswith(endings) and path.is_file())
        files = sorted(path for path in fitting if not beside(path, source))
    if not files:
        raise ValueError(
            f'{source}: no file that ends with {", ".join(endings)}; give such a file or a folder of them: {option("source")}'
        )
    return files
