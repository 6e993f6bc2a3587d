"""Names that cannot be turned back: keyed hashes of the names of cases and patients.

A hash without a key can be undone by hashing all likely names. The key therefore stays with whoever holds the
data, in a file outside the results; with it, and the source, a case can be found again.
"""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Literal

from echodiff.errors import InputError, OutputError
from echodiff.ingest.case import CaseReference

KEY_VARIABLE = "ECHODIFF_KEY_FILE"
KEY_BYTES = 32
HEX_DIGITS = 16  # 64 bits: two of a million cases collide with a probability of 3e-8
SHORTEST = 2  # characters of a name in ASCII that are no identity, but would be found in every sentence
WORD = r"[^\W_]"  # what a word is made of
PLAIN = re.compile("[a-z]+|[0-9]+")  # words and numbers as sentences of this package have them
PUBLIC_KEY = b"echodiff phantom: nobody is behind these names"  # the same ids on every machine


class Names:
    """Gives the names under which cases and patients appear in all outputs."""

    def __init__(self, dataset: str, style: Literal["source", "hashed"], key: bytes = PUBLIC_KEY):
        self.dataset, self.style, self._key = dataset, style, key

    def case(self, reference: CaseReference) -> str:
        """The case's id, unique within the dataset."""
        return self._name("case", reference.name)

    def patient(self, reference: CaseReference) -> str:
        """The patient's id; cases of one patient share it."""
        return self._name("patient", reference.patient)

    def clean(self, sentence: str, reference: CaseReference) -> str:
        """A sentence without the names that the source uses, where these are to stay hidden.

        Replaced is every word that is such a name, in capitals or not, and every word with a name in it but those in
        small letters alone, or digits alone: a file `pat.dcm` leaves `patient` as it is, but not `Pat_2` or `xPat`.
        """
        if self.style == "source":
            return writable(sentence)
        hidden = {reference.name, reference.patient}
        for path in reference.files.values():
            hidden |= {str(path), path.name, path.stem}
        names = sorted((name for name in hidden if len(name) > SHORTEST or not name.isascii()), key=len, reverse=True)
        if not names:
            return sentence
        name = "|".join(re.escape(name) for name in names)
        return re.sub(f"({WORD}*)({name})({WORD}*)", _without_name, sentence, flags=re.IGNORECASE)

    def _name(self, kind: str, name: str) -> str:
        if self.style == "source":
            return writable(name)
        text = "\x1f".join((self.dataset, kind, name)).encode("utf-8", "surrogateescape")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:HEX_DIGITS]


def _without_name(found: re.Match[str]) -> str:
    before, _, after = found.groups()
    return found[0] if (before or after) and PLAIN.fullmatch(found[0]) else "the file"


def writable(name: str) -> str:
    """A name with the bytes that are no UTF-8 spelled out: names of files may have any, texts may not."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def is_writable(name: str) -> bool:
    """Whether all bytes of a file's name or path are UTF-8."""
    return writable(name) == name


def default_key_file() -> Path:
    """The key's file: the environment variable ECHODIFF_KEY_FILE, else one in the user's configuration folder."""
    if os.environ.get(KEY_VARIABLE):
        return Path(os.environ[KEY_VARIABLE])
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "echodiff" / "identity.key"


def read_or_make_key(path: Path) -> bytes:
    """Read the secret key, or draw one and write it for its owner alone (mode 600).

    Raises:
        InputError: the file is no key.
        OutputError: a new key cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read_key(path)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
        return _read_key(path)
    except OSError as error:
        raise OutputError(
            f"{path}: expected to read or write the key of the case ids, but the system said "
            f"'{error.strerror}'; name another file with {KEY_VARIABLE}"
        ) from error


def _read_key(path: Path) -> bytes:
    text = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise InputError(
            f"{path}: expected a key of {2 * KEY_BYTES} hexadecimal digits, found something else; move it away "
            "and a new key is made, with which all case ids change"
        )
    return key
