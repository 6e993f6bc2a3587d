"""Folders listed once, and their names found by how they begin, as archives have thousands of files in one folder, or
thousands of folders.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Self


class Listings:
    """Names in folders as they were when first asked for."""

    def __init__(self) -> None:
        self._names: dict[Path, list[str]] = {}

    def beginning(self, folder: Path, start: str) -> list[str]:
        """Names in a folder that begin with `start`, in their order; none where there is no such folder."""
        names = self.of(folder)
        following = (names[place] for place in range(bisect_left(names, start), len(names)))
        return list(takewhile(lambda name: name.startswith(start), following))

    def of(self, folder: Path) -> list[str]:
        """All names in a folder, in their order; none where there is no such folder."""
        if folder not in self._names:
            try:
                self._names[folder] = sorted(os.listdir(folder))
            except OSError:
                self._names[folder] = []
        return self._names[folder]


class NamesOf:
    """Names in some folders, put in order together once: an image's own are found without a look into each folder."""

    def __init__(self, folders: Sequence[Path], listings: Listings):
        self._folders, self._listings = folders, listings

    @classmethod
    def all_of(cls, parts: Iterable[Self], listings: Listings) -> Self:
        """Those in the folders of all `parts`."""
        return cls([folder for part in parts for folder in part._folders], listings)

    def beginning(self, start: str) -> Iterator[tuple[Path, str]]:
        """Folder and name of those that begin with `start`."""
        if len(self._folders) == 1:
            yield from ((self._folders[0], name) for name in self._listings.beginning(self._folders[0], start))
            return
        for place in range(bisect_left(self._in_order, (start, -1)), len(self._in_order)):
            name, folder = self._in_order[place]
            if not name.startswith(start):
                return
            yield self._folders[folder], name

    @cached_property
    def _in_order(self) -> list[tuple[str, int]]:
        """Names, each with the number of its folder."""
        return sorted((name, place) for place, folder in enumerate(self._folders) for name in self._listings.of(folder))
