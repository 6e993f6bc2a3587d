"""Images by a pattern of their names, and the part of the name that they have in common with their label maps."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from echodiff.errors import InputError

ID: Final = "{id}"
SIGNS = {"*": "[^/]*", "?": "[^/]", ID: "(?P<id>[^/]+)"}


class ImagePattern:
    """`image_{id}.png`: in it `*` and `?` stand for any characters and `{id}` for the part in common.

    A `/` parts folders: `{id}/4ch.png` looks at the name and at the folder that it is in.
    """

    def __init__(self, pattern: str):
        """`pattern` is empty where all files may be images."""
        self._pattern, self._parts = pattern, pattern.count("/") + 1
        parts = re.split(r"(\{id\}|[*?])", pattern)
        self._regex = re.compile("".join(SIGNS.get(part, re.escape(part)) for part in parts), re.DOTALL)

    def names(self, path: Path) -> bool:
        """Whether a file may be an image."""
        return not self._pattern or self._match(path) is not None

    def id_of(self, path: Path) -> str:
        """What `{id}` stands for in the place of an image; empty where the pattern does not have it."""
        match = self._match(path) if ID in self._pattern else None
        return match["id"] if match else ""

    def of(self, paths: Iterable[Path], folder: Path) -> list[Path]:
        """Those of a folder's images that it names.

        Raises:
            InputError: it names none of them.
        """
        found = list(paths)
        named = [path for path in found if self.names(path)]
        if found and not named:
            first = found[0].relative_to(folder).as_posix()
            raise InputError(
                f"{folder}: expected images named {self._pattern}, found none among {len(found)} files, such as "
                f"{first}; change image_pattern or leave it out"
            )
        return named

    def _match(self, path: Path) -> re.Match[str] | None:
        return self._regex.fullmatch("/".join(path.parts[-self._parts :]))
