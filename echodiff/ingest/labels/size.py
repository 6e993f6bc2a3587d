"""The size that a label map must have."""

from echodiff.ingest.case import Reject


def check_size(found: tuple[int, ...], shape: tuple[int, int], what: str) -> None:
    """Rows and columns of a label map against those of the image; `what` says in the reject which file it is.

    Raises:
        Reject: others; exchanged ones are told as such.
    """
    rows, columns = (int(side) for side in found)
    if (rows, columns) == tuple(shape):
        return
    sentence = f"{what}: expected the image's size {shape[1]} x {shape[0]}, found {columns} x {rows}"
    if (columns, rows) == tuple(shape):
        sentence += ": rows and columns are exchanged, so save the map transposed (the first axis of NIfTI is x)"
    raise Reject(sentence)
