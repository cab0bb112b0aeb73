"""Study files: a study by its name in the lab, or by the path of a user's own file."""

from pathlib import Path

from ablations.config import closest
from ablations.flagships import FLAGSHIPS, RUNG_STUDIES, rung_study
from ablations.studies import STUDIES
from ablations.study import Study
from ablations.user_file import STOPS, compiled, in_words, run


def of_the_lab(name: str) -> bool:
    """Whether the lab has a study of this name: one of its own, or a flagship at a rung."""
    return name in STUDIES or name in RUNG_STUDIES


def load_study(name: str) -> Study:
    """A built-in study by name, or the `study` of a Python file by path.

    Raises ValueError on an unknown name, an absent file, a file that breaks or defines no Study.

    >>> load_study('quickstart').name
    'quickstart'
    """
    if name in STUDIES:
        return STUDIES[name]
    if name in RUNG_STUDIES:
        return rung_study(name)
    path = Path(name)
    if name in FLAGSHIPS:
        rungs = [study for study, (flagship, _) in RUNG_STUDIES.items() if flagship == name]
        raise ValueError(f"'{name}' is a flagship, which has a study for each rung; allowed: {rungs}; name one of them")
    if path.suffix != '.py':
        raise ValueError(
            f"unknown study '{name}'; allowed: {sorted(STUDIES)}, a flagship's rung (archlab list flagships), or the path of a "
            f'study file.{closest(name, [*STUDIES, *RUNG_STUDIES])}'
        )
    if not path.is_file():
        raise ValueError(f"study '{name}': no such file; check the path")
    try:
        code = compiled(path)
    except ValueError as error:
        raise ValueError(f"study '{name}' {error}") from None
    try:
        module = run(code, 'archlab_study')
    except ValueError as error:
        raise ValueError(f"study '{name}': {error}") from None
    except STOPS as error:
        raise ValueError(f"study '{name}' does not load: {in_words(error)}; mend the file") from error
    study = getattr(module, 'study', None)
    if not isinstance(study, Study):
        raise ValueError(f"study '{name}' defines no study; end the file with study = Study(...)")
    return study
