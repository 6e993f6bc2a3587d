"""An image set with several label maps a case, for datasets whose labels have the left ventricle alone.

The cases that ingest kept are read again from their files, as shapes have to be drawn at the frame's own pixels: the
square frame of an image set does not tell how a source without a pixel size was stretched.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.config.variants import Variants as Options
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference, NoLabels, Reader, Reject
from echodiff.ingest.completion.shape_model import read_shape_model
from echodiff.ingest.frame import FittedFrame, fit_frame
from echodiff.ingest.identity.names import Names
from echodiff.ingest.processes.workers import Lost, results_of
from echodiff.ingest.readers import reader_of
from echodiff.ingest.run import key_of
from echodiff.ingest.variants.draw import Variants
from echodiff.progress import track
from echodiff.store.image_set import new_image_set, read_image_set
from echodiff.store.provenance import provenance


def write_variants(
    name: str,
    dataset: Dataset,
    image: Image,
    source: Path,
    data: Path,
    shape_model: Path,
    output: Path,
    options: Options,
    *,
    processes: int = 1,
) -> int:
    """Write `output`: the cases of the image set `data` in its order, `options.samples` times each.

    Case ids end in `_v1`, `_v2`, ...; image, sector and pixel size are those of `data`, and so is the LV. The number of
    processes and of samples changes none of the label maps. Cases whose labels were predicted have no LV that somebody
    drew, and are passed over; how many, and why, is printed.

    Returns:
        The number of label maps.

    Raises:
        InputError: files, image set or shape model are missing, or no longer belong together; nothing is written then.
    """
    model, kept = read_shape_model(shape_model), read_image_set(data)
    if kept.images.shape[1:] != (image.size, image.size):
        raise InputError(f"{data}: expected frames of {image.size} pixels, found {kept.images.shape[1]}; ingest again")
    names = Names(name, dataset.case_ids, key_of(dataset))
    found = {names.case(case): case for case in reader_of(dataset).find(source)}
    absent = [case_id for case_id in kept.case_id if case_id not in found]
    if absent:
        raise InputError(f"{source}: expected the files of case {absent[0]}, found none; ingest again")
    work = VariantWork(dataset, image, names, Variants(model, options.samples, options.seed))
    cases = [found[case_id] for case_id in kept.case_id]
    attributes = {
        "kind": "dataset",
        "dataset": name,
        "variants": options.samples,
        "provenance": provenance("variants", {"dataset": name, **options.model_dump()}),
    }
    written, passed = 0, Counter()
    with (
        new_image_set(output, size=image.size, attributes=attributes) as writer,
        closing(results_of(work, cases, processes, limit_s=dataset.case_seconds)) as results,
    ):
        steps = track(kept.case_id, len(cases), description=f"variants {name}", unit="cases")
        for row, (case_id, frames) in enumerate(zip(steps, results, strict=True)):
            if isinstance(frames, Passed):
                passed[frames.reason] += 1
                continue
            if not isinstance(frames, list):
                reason = frames.reason if isinstance(frames, Lost) else frames
                raise InputError(f"{source}: case {case_id} was kept by ingest, but now: {reason}; ingest again")
            if (frames[0].image != kept.images[row]).any():
                raise InputError(f"{data}: expected the frames of {source}, found others in {case_id}; ingest again")
            for number, frame in enumerate(frames, start=1):
                planes = (kept.images[row], frame.mask, kept.sectors[row])
                writer.append(*planes, kept.spacing_mm[row], f"{case_id}_v{number}")
                written += 1
        if not written:
            raise InputError(f"{source}: expected cases whose labels have the left ventricle alone, found none")
    for reason, count in passed.most_common():
        print(f"variants {name}: {count} cases passed over: {reason}")
    return written


@dataclass(frozen=True)
class Passed:
    """In place of variants: why a case that ingest kept has none."""

    reason: str


@dataclass
class VariantWork:
    """What a process does with a case; it can be sent to one."""

    dataset: Dataset
    image: Image
    names: Names
    variants: Variants

    def __post_init__(self) -> None:
        self._reader: Reader | None = None

    def prepare(self) -> None:
        """Load what the format needs; called in each process before its first case."""
        cv2.setNumThreads(1)
        # Shapes are drawn about an LV that somebody traced: a frame whose labels are predicted is not looked for.
        self._reader = reader_of(self.dataset.model_copy(update={"labels": "file"}))

    def __call__(self, case: CaseReference) -> list[FittedFrame] | Passed | str:
        """The fitted variants of a case, why it is passed over, or what is wrong with its files."""
        try:
            return list(self._draw(case))
        except NoLabels as error:
            return Passed(self.names.clean(str(error), case))
        except Reject as error:
            return self.names.clean(str(error), case)

    def _draw(self, case: CaseReference) -> Iterator[FittedFrame]:
        if self._reader is None:
            self.prepare()
        frame = self._reader.read(case)
        if not frame.lv_only:
            raise NoLabels("expected labels that have the left ventricle alone, found all structures")
        for variant in self.variants.draw(frame, self.names.case(case)):
            yield fit_frame(variant, self.image.size, self.image.fit)
