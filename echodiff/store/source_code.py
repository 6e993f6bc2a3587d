"""The package's own code as a fingerprint: results that other code has made are told from those of this one."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
KINDS = (".py", ".csv")  # code, and the tables that it reads (report/published.csv)


def code_fingerprint(*parts: str) -> str:
    """A hash of the code of these folders and files of the package, without comments and docstrings.

    Tables in these folders count too. It is the same in every version of Python, so that another one is no reason to
    train again.

    Raises:
        FileNotFoundError: one holds no Python code.
    """
    files = [path for part in parts for path in _files(PACKAGE / part)]
    return hashlib.sha256("".join(map(_content_of, files)).encode()).hexdigest()[:12]


def _files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in KINDS)
    if not any(file.suffix == ".py" for file in files):
        raise FileNotFoundError(f"{path}: expected Python code, found none")
    return files


@cache
def _content_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return _dump(ast.parse(text)) if path.suffix == ".py" else text


def _dump(node: object) -> str:
    """As `ast.dump`, without texts that stand alone and without empty fields, of which newer versions of Python have
    more (`type_params`).
    """
    if isinstance(node, list):
        return f"[{','.join([_dump(part) for part in node if not _is_text(part)])}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({','.join([f'{name}={_dump(value)}' for name, value in fields])})"


def _is_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
