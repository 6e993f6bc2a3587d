"""Errors that reach the user: one sentence with the file, what was expected, what was found, what to do."""


class EchodiffError(Exception):
    """Something the user can mend; the command line prints its sentence without a traceback and exits with 1."""


class ConfigError(EchodiffError):
    """The configuration cannot be used: an unknown key, a value out of range, a contradiction."""


class InputError(EchodiffError):
    """An input cannot be used: missing, unreadable, of another format, or with nothing useful in it."""


class OutputError(EchodiffError):
    """An output cannot be written: no permission, no space, not a folder."""
