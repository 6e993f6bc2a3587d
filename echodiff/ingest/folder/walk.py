"""All files below a folder, none left out unseen: beyond links to folders, and such as cannot be opened."""

import os
import stat
from pathlib import Path

from echodiff.errors import InputError
from echodiff.ingest.case import Reject


def files_below(folder: Path) -> list[Path]:
    """Files below a folder in the order of their paths, those in folders that links lead to as well.

    A folder is entered once, under its own name where it has one here, so that links in a circle come to an end.
    Links without a target and folders that cannot be listed are among the files: reading them says what is wrong.
    Pipes, sockets and devices are not.

    Raises:
        InputError: the folder itself cannot be listed.
    """
    found: list[Path] = []
    entered: set[str] = set()
    own, linked = [folder], []
    while own or linked:
        here = own.pop() if own else linked.pop(0)
        real = os.path.realpath(here)
        if real in entered:
            continue
        entered.add(real)
        try:
            names = sorted(os.listdir(here))
        except OSError as error:
            if here == folder:
                raise InputError(f"{folder}: expected a folder, found one that cannot be listed") from error
            found.append(here)
            continue
        for path in (here / name for name in names):
            kind = _kind(path)
            if kind == stat.S_IFDIR:
                (linked if path.is_symlink() else own).append(path)
            elif kind in (stat.S_IFREG, None):
                found.append(path)
    return sorted(found)


def is_lost(path: Path) -> bool:
    """Whether nobody can say what a file is, as it cannot be opened; volumes and pictures are known by their ending."""
    # Imported here, as the workflow walks through folders whenever it starts, and these load SimpleITK and OpenCV.
    from echodiff.ingest.readers.itk import is_itk
    from echodiff.ingest.readers.picture import STILLS

    return not is_itk(path) and path.suffix.lower() not in STILLS and _fault(path) is not None


def refuse_unreadable(path: Path, what: str = "") -> None:
    """Refuse a file that cannot be opened or is empty; `what` says which of a case's files it is, where not the image.

    Raises:
        Reject: a link without a target, no permission, a folder that cannot be listed, a fault of the disk, no content.
    """
    where = f"{what}: " if what else ""
    fault = _fault(path)
    if isinstance(fault, FileNotFoundError):
        raise Reject(f"{where}expected a file, found a link without a target or no file; put it back")
    if fault is not None:
        kind = "folder" if _kind(path) == stat.S_IFDIR else "file"
        raise Reject(
            f"{where}expected a {kind} that can be opened, found one that cannot "
            f"({_told(fault)}); check its permissions"
        )
    if path.stat().st_size == 0:
        raise Reject(f"{where}expected a file with content, found an empty file; copy or export it again")


def _fault(path: Path) -> OSError | None:
    """What the system says when a file is opened; None where it opens."""
    try:
        with open(path, "rb"):
            return None
    except OSError as error:
        return error


def _told(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _kind(path: Path) -> int | None:
    """The kind of a file, or of what a link leads to; None where the system does not tell."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except OSError:
        return None
