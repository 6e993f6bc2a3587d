"""Whether videos in the layout of EchoNet-Dynamic are the archive's own or those of somebody who uses its layout."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from echodiff.ingest.readers.tracings import video_name

ARCHIVE_NAME = re.compile(r"0X[0-9A-F]+")  # hashes that Ouyang et al. made


def echonet_options(file_list: Path, videos: Iterable[Path]) -> dict[str, str]:
    """`case_ids: hashed` unless all names are the archive's: others may be those of patients."""
    names = {path.stem for path in videos} | _listed(file_list)
    return {} if all(ARCHIVE_NAME.fullmatch(name) for name in names) else {"case_ids": "hashed"}


def _listed(file_list: Path) -> set[str]:
    """Names in FileList.csv; none where it cannot be read, which finding the cases reports."""
    try:
        with open(file_list, newline="", encoding="utf-8", errors="replace") as file:
            return {video_name(row.get("FileName") or "") for row in csv.DictReader(file)} - {""}
    except (OSError, csv.Error):
        return set()
