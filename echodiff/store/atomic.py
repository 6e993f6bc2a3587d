"""Files that are either complete or absent, whatever kills the process that writes them."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from echodiff.errors import OutputError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes `path`'s place in one step.

    The data are flushed to the disk before the rename, so that a power cut cannot leave an empty file under the
    final name. On any error the temporary file is removed and what lay at `path` before stays.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush_to_disk(temporary)
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # what could not be written cannot always be removed
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path | str, *, sign: str) -> Iterator[Path]:
    """Yield a folder beside `path` that takes its place at the end.

    It is removed on any error, and by the next run if killed.

    sign: a file that it will have. A folder of an earlier run, which has it, is replaced, and no other.

    Raises:
        OutputError: the folder holds something else, or cannot be written.
    """
    output = Path(path).absolute()
    _refuse_foreign(output, sign)
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        for left_over in output.parent.glob(f".{output.name}.*.part"):
            shutil.rmtree(left_over, ignore_errors=True)
        folder = output.parent / f".{output.name}.{uuid.uuid4().hex[:8]}.part"
        folder.mkdir()
    try:
        with writing(output):
            yield folder
            if output.exists():
                shutil.rmtree(output)
            os.replace(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_foreign(output: Path, sign: str) -> None:
    if output.is_file() or (output.is_dir() and any(output.iterdir()) and not (output / sign).is_file()):
        raise OutputError(
            f"{output}: expected an empty folder or one of an earlier run with {sign}, found something else; "
            "choose another folder"
        )


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn an operating system's error of writing `path` into a sentence that says what to do.

    Raises:
        OutputError: in place of any OSError.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path}: expected to write this file, but the system said '{reason}'; "
            "free space on the disk or choose a folder that can be written, then run again"
        ) from error


def _flush_to_disk(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
