"""The rules in turn: what was recorded comes before what was drawn, and that before what is guessed."""

from collections.abc import Callable

from echodiff.ingest.case import Reject
from echodiff.ingest.ed.choice import Choice

Rules = dict[str, Callable[[], Choice | None]]


def find_ed(rules: Rules, wanted: str) -> tuple[str, Choice]:
    """The first rule that has an answer, or the one rule that `wanted` forces.

    Args:
        rules: by name, in the order of trust; each is called only when its turn comes.
        wanted: "auto" or a rule's name.

    Raises:
        Reject: the forced rule does not exist here or has no answer, or no rule has one.
    """
    if wanted != "auto" and wanted not in rules:
        raise Reject(f"expected one of the ED rules {', '.join(rules)}, found ed: {wanted} in the configuration")
    for name, rule in rules.items():
        if wanted in ("auto", name):
            choice = rule()
            if choice is not None:
                return name, choice
    tried = ", ".join(rules) if wanted == "auto" else wanted
    raise Reject(f"expected an end-diastolic frame, found none by the rules {tried}")
