"""Growing: an .npy file that is written row by row, before the number of rows is known."""

import contextlib
import io
from pathlib import Path

import numpy as np


class Growing:
    """A file of rows of one type and shape, which becomes a whole .npy at `close`. Memory stays flat.

    The header is written first for no rows and again at the end for all; numpy leaves room in it for the larger number.
    """

    def __init__(self, path: Path, dtype: np.typing.DTypeLike, shape: tuple[int, ...] = ()):
        self.dtype, self.shape, self.rows = np.dtype(dtype), tuple(shape), 0
        self._file = open(path, 'wb')  # noqa: SIM115 - closed by `close`
        self._room = len(self._header())
        self._file.write(self._header())

    def _header(self) -> bytes:
        header = io.BytesIO()
        about = {'descr': np.lib.format.dtype_to_descr(self.dtype), 'fortran_order': False, 'shape': (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(header, about)
        return header.getvalue()

    def append(self, rows: np.ndarray) -> None:
        """Add rows [n, *shape]. Raises ValueError where type or shape differ."""
        if rows.dtype != self.dtype or rows.shape[1:] != self.shape:
            raise ValueError(
                f'rows of {rows.dtype} {list(rows.shape[1:])} for a file of {self.dtype} {list(self.shape)}; '
                'give all examples one type and shape'
            )
        self._file.write(np.ascontiguousarray(rows).tobytes())
        self.rows += len(rows)

    def close(self) -> None:
        """Write the header for all rows, which completes the file."""
        header = self._header()
        if len(header) != self._room:
            raise RuntimeError(f'the .npy header grew from {self._room} to {len(header)} bytes')
        self._file.seek(0)
        self._file.write(header)
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, after an error; a disk that is full is no second error here."""
        with contextlib.suppress(OSError):
            self._file.close()
