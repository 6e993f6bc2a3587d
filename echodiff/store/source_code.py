"""The package's own code as a fingerprint: results that other code has made are told from those of this one."""

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def code_fingerprint(*parts: str) -> str:
    """A hash of the code of these folders and files of the package, without comments and docstrings.

    Raises:
        FileNotFoundError: one holds no Python code.
    """
    files = [path for part in parts for path in _python_files(PACKAGE / part)]
    return hashlib.sha256("".join(map(_code_of, files)).encode()).hexdigest()[:12]


def _python_files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    if not files:
        raise FileNotFoundError(f"{path}: expected Python code, found none")
    return files


@lru_cache
def _code_of(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
