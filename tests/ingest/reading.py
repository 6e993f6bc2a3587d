"""All cases of a folder through a reader."""

from pathlib import Path

from echodiff.ingest.case import Reader, Reject, SourceFrame


def read_all(reader: Reader, folder: Path) -> dict[str, SourceFrame | str]:
    """Case's name -> its frame, or the sentence by which it is rejected."""
    found = {}
    for case in reader.find(folder):
        try:
            found[case.name] = reader.read(case)
        except Reject as error:
            found[case.name] = str(error)
    return found
