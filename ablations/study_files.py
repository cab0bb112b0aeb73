"""Study files: a study by its name in the lab, or by the path of a user's own file."""

import importlib.util
from pathlib import Path

from ablations.config import closest
from ablations.studies import STUDIES
from ablations.study import FOLDER, Study


def load_study(name: str) -> Study:
    """A built-in study by name, or the `study` of a Python file by path.

    Raises ValueError on an unknown name, an absent file, a file that breaks or defines no Study.

    >>> load_study('quickstart').name
    'quickstart'
    """
    if name in STUDIES:
        return STUDIES[name]
    path = Path(name)
    if path.suffix != '.py':
        raise ValueError(
            f"unknown study '{name}'; allowed: {sorted(STUDIES)} or the path of a study file.{closest(name, STUDIES)}"
        )
    if not path.is_file():
        raise ValueError(f"study '{name}': no such file; check the path")
    spec = importlib.util.spec_from_file_location(f'archlab_study_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    folder = FOLDER.set(str(path.parent))
    try:
        try:
            spec.loader.get_code(spec.name)
        except ValueError as error:  # what older Pythons say of a null byte, where newer ones say SyntaxError
            raise SyntaxError(error) from None
        spec.loader.exec_module(module)
    except ValueError as error:
        raise ValueError(f"study '{name}': {error}") from None
    except Exception as error:
        raise ValueError(f"study '{name}' does not load: {type(error).__name__}: {error}; mend the file") from error
    finally:
        FOLDER.reset(folder)
    study = getattr(module, 'study', None)
    if not isinstance(study, Study):
        raise ValueError(f"study '{name}' defines no study; end the file with study = Study(...)")
    return study
