"""Finished cases of a run that may be killed: the next run continues where it stopped, with the same result.

One file of records, appended as cases are finished and deleted when all are. A record is a length, a checksum and a
compressed NumPy archive; what a kill cut short fails its checksum and is dropped. Records are found again by a key
over everything a result depends on: options, the case, and size and time of its files.
"""

import hashlib
import io
import json
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any, Self

import numpy as np

from echodiff.ingest.case import CaseReference
from echodiff.ingest.frame import FittedFrame
from echodiff.store.atomic import writing

HEAD = struct.Struct("<QI32s")  # length, checksum (CRC-32), key
PLANES = ("image", "mask", "sector")


class Journal:
    """Rows and frames of finished cases, by key; a context manager that keeps its file unless told to `finish`."""

    def __init__(self, path: Path, options: str):
        self._path, self._options = path, options
        self._places: dict[bytes, tuple[int, int]] = {}

    def __enter__(self) -> Self:
        with writing(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: on a full disk a buffer would fail once more when it is closed.
            self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115  closed in __exit__
            self._file.truncate(self._read_places())
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def key(self, case: CaseReference) -> bytes:
        """SHA-256 over options, case and the state of its files."""
        states = [_state(path) for _, path in sorted(case.files.items())]
        content = pickle.dumps((self._options, case.name, case.patient, states, dict(case.known)), protocol=5)
        return hashlib.sha256(content).digest()

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def read(self, key: bytes) -> tuple[dict[str, Any], FittedFrame | None]:
        """Row and frame of a finished case."""
        start, length = self._places[key]
        self._file.seek(start)
        with np.load(io.BytesIO(zlib.decompress(self._file.read(length))), allow_pickle=False) as content:
            row = json.loads(str(content["row"]))
            if "image" not in content:
                return row, None
            return row, FittedFrame(*(content[name] for name in PLANES), tuple(content["spacing_mm"].tolist()))

    def append(self, key: bytes, row: dict[str, Any], frame: FittedFrame | None) -> None:
        """Add a finished case.

        Raises:
            OutputError: the file cannot be written.
        """
        buffer = io.BytesIO()
        arrays = {} if frame is None else {name: getattr(frame, name) for name in (*PLANES, "spacing_mm")}
        np.savez(buffer, row=json.dumps(row, default=_plain), **arrays)
        content = zlib.compress(buffer.getvalue(), 1)
        with writing(self._path):
            record = memoryview(HEAD.pack(len(content), zlib.crc32(content), key) + content)
            while record:  # a write may take a part of it
                record = record[self._file.write(record) :]

    def finish(self) -> None:
        """Delete the file: the run is complete."""
        self._path.unlink(missing_ok=True)

    def _read_places(self) -> int:
        """Index all whole records; returns where the last of them ends."""
        self._file.seek(0)
        end = 0
        while len(head := self._file.read(HEAD.size)) == HEAD.size:
            length, checksum, key = HEAD.unpack(head)
            content = self._file.read(length)
            if len(content) < length or zlib.crc32(content) != checksum:
                break
            self._places[key] = (end + HEAD.size, length)
            end += HEAD.size + length
        return end


def _state(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return path.name, found.st_size, found.st_mtime_ns


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return value.item()
