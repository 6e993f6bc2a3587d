"""Folders listed once, and their names found by how they begin, as archives have thousands of files in one folder."""

import os
from bisect import bisect_left
from itertools import takewhile
from pathlib import Path


class Listings:
    """Names in folders as they were when first asked for."""

    def __init__(self) -> None:
        self._names: dict[Path, list[str]] = {}

    def beginning(self, folder: Path, start: str) -> list[str]:
        """Names in a folder that begin with `start`, in their order; none where there is no such folder."""
        names = self._of(folder)
        following = (names[place] for place in range(bisect_left(names, start), len(names)))
        return list(takewhile(lambda name: name.startswith(start), following))

    def _of(self, folder: Path) -> list[str]:
        if folder not in self._names:
            try:
                self._names[folder] = sorted(os.listdir(folder))
            except OSError:
                self._names[folder] = []
        return self._names[folder]
