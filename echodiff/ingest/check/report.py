"""What `echodiff check` prints."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from echodiff.ingest.check.detect import Guess
from echodiff.ingest.check.trial import Trial, file_of
from echodiff.ingest.ed.titles import RULE_TITLES
from echodiff.ingest.identity.names import writable
from echodiff.ingest.readers.itk import LARGEST_GRAY

FAULTS_SHOWN = 20  # where some of the cases were read
LABEL_TITLES = {"file": "in the files", "completed": "LV in the files, MYO and LA to be completed", "none": "none"}


class _Colour(int):
    """A label value that is a colour, printed as 0xRRGGBB."""


yaml.SafeDumper.add_representer(
    _Colour, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:int", f"0x{value:06X}")
)


def summary(guess: Guess, trials: Sequence[Trial], cases: int) -> str:
    """Format, what is fine, what is not, what the user has to see to, in lines."""
    kept = [trial for trial in trials if trial.kept]
    lines = [f"{guess.folder}: format {guess.format} ({guess.evidence}), {_number(cases)}, {len(trials)} read on trial"]
    lines += [f"  fine: {len(kept)} of {len(trials)}", *(f"    {line}" for line in _what_is_fine(kept))]
    faults = [trial for trial in trials if not trial.kept]
    if faults:
        lines.append(f"  not fine: {len(faults)} of {len(trials)}")
    shown = faults if len(trials) == cases else faults[:FAULTS_SHOWN]
    lines += [f"    {file_of(trial.case, guess.folder)}: {trial.row['reason']}" for trial in shown]
    if len(faults) > len(shown):
        lines.append(f"    and {len(faults) - len(shown)} more; --cases 0 reads all cases and lists all faults")
    if guess.remarks:
        lines += ["  to see to:", *(f"    {text}" for text in guess.remarks)]
    return writable("\n".join(lines))


def _number(cases: int) -> str:
    return "1 case" if cases == 1 else f"{cases} cases"


def _what_is_fine(kept: Sequence[Trial]) -> list[str]:
    if not kept:
        return []
    rows = [trial.row for trial in kept]
    lines = [f"ED frame: {_counted(RULE_TITLES.get(row['ed_rule'], row['ed_rule']) for row in rows)}"]
    lines.append(f"labels: {_counted(LABEL_TITLES.get(row['label_source'], row['label_source']) for row in rows)}")
    sizes = _counted(f"{row['original_width']} x {row['original_height']}" for row in rows)
    lines.append(f"frames of {sizes} pixels")
    unsized = sum(1 for row in rows if np.isnan(row["original_spacing_row_mm"]))
    if unsized:
        lines.append(f"without a pixel size, so without measures in mm: {unsized}")
    scanners = _counted(row["scanner"] for row in rows if row.get("scanner"))
    return [*lines, f"scanners: {scanners}"] if scanners else lines


def _counted(values) -> str:
    return ", ".join(f"{value} ({count})" for value, count in Counter(values).most_common(6))


def entry(guess: Guess, name: str) -> str:
    """The dataset entry, to be pasted into a configuration.

    `phantom: null` lets it lie on top of an entry of the same name with a phantom, as config/config.yaml has some.
    """
    options = {"format": guess.format, "folder": str(Path(guess.folder).absolute()), "phantom": None, **guess.options}
    if max(options.get("label_values", [0])) > LARGEST_GRAY:
        options["label_values"] = {_Colour(value): label for value, label in options["label_values"].items()}
    text = yaml.safe_dump({"datasets": {name: options}}, sort_keys=False, default_flow_style=False).rstrip()
    return f"{text}\n# training_dataset: {name}    # to train on it, where its label maps have LV, MYO and LA"
