"""A file for HDF5 to write to that never fails in its hands.

HDF5 crashes the process when the disk is full while it closes a file. Here a failed write is remembered, all further
ones are passed over, and whoever writes asks for the error once HDF5 is done.
"""

from pathlib import Path


class CarefulFile:
    """A file object to give to `h5py.File` in place of a path."""

    def __init__(self, path: Path):
        self.error: OSError | None = None
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115  closed by `close`

    def write(self, data) -> int:
        """Write `data` at the current place; after an error, pretend to."""
        size = memoryview(data).nbytes
        if self.error is None:
            try:
                view = memoryview(data).cast("B")
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                self.error = error
        return size

    def read(self, size: int = -1) -> bytes:
        """Read bytes; h5py tells a file object from a path by this method, and uses `readinto`."""
        return self._file.read(size)

    def readinto(self, buffer) -> int:
        """Read into `buffer`; what was never written reads as zeros, as in a sparse file."""
        count = self._file.readinto(buffer)
        view = memoryview(buffer).cast("B")
        view[count:] = bytes(len(view) - count)
        return len(view)

    def truncate(self, size: int) -> int:
        """Set the file's size; after an error, leave it."""
        if self.error is None:
            try:
                return self._file.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The current place."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def check(self) -> None:
        """Raise the first error of writing, if there was one."""
        if self.error is not None:
            raise self.error
