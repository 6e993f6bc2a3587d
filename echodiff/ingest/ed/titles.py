"""The rules for the end-diastolic frame as a person reads them."""

from typing import Final

RULE_TITLES: Final[dict[str, str]] = {
    "explicit": "named in the files",
    "table": "table",
    "still": "a still",
    "labelled": "largest labelled LV",
    "r_wave": "R wave",
    "ecg": "ECG trace",
    "largest_lv": "largest labelled LV",
    "lv_volume": "largest labelled LV",
    "label": "the label map's frame",
    "self_similarity": "picture alone",
    "segmented_area": "largest segmented LV",
}
