"""A search for strings in everything that a run leaves: names, bytes, and what is packed or encoded within them."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import h5py
import pandas as pd

CODED = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


def leaks(folder: Path, secrets: Collection[str], *, without: Collection[str] = ()) -> list[str]:
    """Where in `folder` one of `secrets` stands, as "place: secret"; folders named in `without` are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if any(relative == left or relative.startswith(f"{left}/") for left in without):
            continue
        for place, content in _contents(path, relative):
            found += [f"{place}: {secret}" for secret in secrets if _holds(content, secret)]
    return found


def _holds(content: bytes, secret: str) -> bool:
    """Whether a string is in the bytes, in any of the usual encodings."""
    return any(secret.encode(encoding) in content for encoding in ("utf-8", "latin-1", "utf-16-le"))


def _contents(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    yield f"name {name}", name.encode()
    yield f"name {name}, decoded", _decoded(path.name.encode())
    if path.is_file():
        yield from _unpacked(name, path.read_bytes())


def _unpacked(name: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and what they hold once unpacked."""
    yield name, raw
    yield f"{name}, decoded", _decoded(raw)
    if raw.startswith(b"PAR1"):
        table = pd.read_parquet(io.BytesIO(raw))
        yield f"{name}, table", (table.to_csv() + str(table.attrs)).encode()
    elif raw.startswith(b"\x89HDF"):
        yield f"{name}, HDF5", _hdf5_text(raw)
    elif raw.startswith(b"\x1f\x8b"):
        yield f"{name}, unpacked", zlib.decompressobj(31).decompress(raw)
    elif zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for member in archive.namelist():
                yield f"name {name}!{member}", member.encode()
                yield from _unpacked(f"{name}!{member}", archive.read(member))


def _hdf5_text(raw: bytes) -> bytes:
    """Names, attributes and string datasets of an HDF5 file."""
    parts: list[str] = []

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        parts.extend([name, *(f"{key}={value}" for key, value in node.attrs.items())])
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "OS":
            parts.append(str(node[()]) if node.shape == () else " ".join(map(str, node[()].ravel())))

    with h5py.File(io.BytesIO(raw)) as file:
        visit("/", file)
        file.visititems(visit)
    return "\n".join(parts).encode()


def _decoded(raw: bytes) -> bytes:
    """What base64 in the bytes stands for: Snakemake names its records of outputs so, and its report packs files."""
    parts = []
    for word in CODED.findall(raw):
        for decode in (base64.b64decode, base64.urlsafe_b64decode):
            try:
                part = decode(word + b"=" * (-len(word) % 4))
            except (binascii.Error, ValueError):
                continue
            parts.append(part)
            if part.startswith(b"\x1f\x8b"):
                parts.append(zlib.decompress(part, 31))
    return b"\n".join(parts)
