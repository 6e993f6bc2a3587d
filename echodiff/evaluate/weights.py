"""Where the Inception weights of the FID come from: a configured file, torch's cache, or one short download.

Whatever the way, the file must have the one SHA-256 below. Without it there is no FID: the choice of another
extractor is made once, in `choose_extractor`, said aloud, and gives the metric another name.
"""

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from echodiff.errors import InputError
from echodiff.store.atomic import atomic_path

# Inception of 2015-12-05 as converted for torch-fidelity; the address is the one it downloads from itself.
INCEPTION_URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
)
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_weights(path: Path, sha256: str = INCEPTION_SHA256) -> Path:
    """Give back `path` if it is the weights file with this SHA-256.

    Raises:
        InputError: the file is missing or another one.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the Inception weights ({INCEPTION_URL}), found no such file")
    found = sha256_of(path)
    if found != sha256:
        raise InputError(
            f"{path}: expected the Inception weights of 2015-12-05 with SHA-256 {sha256}, found {found}; "
            f"download them again from {INCEPTION_URL}"
        )
    return path


def cached_path() -> Path:
    """Where torch and torch-fidelity keep the downloaded file."""
    user_cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    home = Path(os.environ.get("TORCH_HOME", user_cache / "torch"))
    return home.expanduser() / "hub" / "checkpoints" / INCEPTION_URL.rsplit("/", 1)[1]


def download_weights(
    target: Path, *, timeout_s: float, url: str = INCEPTION_URL, sha256: str = INCEPTION_SHA256
) -> Path:
    """Download the weights into `target`.

    Args:
        timeout_s: longest wait for a connection and for each piece, so that a machine without network gives
        up.

    Raises:
        InputError: no answer, or what came is not the file.
    """
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer, atomic_path(target) as temporary:
            with open(temporary, "wb") as file:
                shutil.copyfileobj(answer, file, CHUNK)
            check_weights(temporary, sha256)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(f"{url}: expected to download the Inception weights, but: {reason}") from error
    return target


def find_inception_weights(
    configured: Path | None, *, download: bool, timeout_s: float, sha256: str = INCEPTION_SHA256
) -> Path:
    """The checked weights file: the configured one, else the cached one, else a download into the cache.

    Raises:
        InputError: a configured file is missing or another one (never passed over), or there is no file and
            none can be downloaded.
    """
    if configured is not None:
        return check_weights(configured, sha256)
    cached = cached_path()
    if cached.is_file():
        return check_weights(cached, sha256)
    if not download:
        raise InputError(
            f"{cached}: expected the Inception weights, found no such file, and evaluate.download is off; "
            "give the file as evaluate.inception_weights"
        )
    return download_weights(cached, timeout_s=timeout_s, sha256=sha256)
