"""One reader a format: finds the cases of a folder, then reads one case at a time."""

from collections.abc import Callable

from echodiff.config.datasets import (
    CamusDataset,
    Dataset,
    DicomDataset,
    EchonetDataset,
    FramesDataset,
    VolumeDataset,
)
from echodiff.errors import ConfigError
from echodiff.ingest.case import Reader
from echodiff.ingest.labels.predicted import Predictor


def reader_of(dataset: Dataset, predictor: Predictor | None = None) -> Reader:
    """The reader of a dataset's format, which may ask `predictor` for the end-diastolic frame of a cine.

    Raises:
        ConfigError: no reader has the format.
    """
    if dataset.format not in READERS:
        raise ConfigError(f"format: expected one of {', '.join(READERS)}, found {dataset.format}")
    return READERS[dataset.format](dataset, predictor)


# Readers are imported when needed: each brings its own libraries.


def _camus(dataset: CamusDataset, predictor: Predictor | None) -> Reader:
    from echodiff.ingest.readers.camus import CamusReader

    return CamusReader(dataset)


def _echonet(dataset: EchonetDataset, predictor: Predictor | None) -> Reader:
    from echodiff.ingest.readers.echonet import EchonetReader

    return EchonetReader(dataset, predictor)


def _dicom(dataset: DicomDataset, predictor: Predictor | None) -> Reader:
    from echodiff.ingest.readers.dicom import DicomReader

    return DicomReader(dataset, predictor)


def _volume(dataset: VolumeDataset, predictor: Predictor | None) -> Reader:
    from echodiff.ingest.readers.volume import VolumeReader

    return VolumeReader(dataset)


def _frames(dataset: FramesDataset, predictor: Predictor | None) -> Reader:
    from echodiff.ingest.readers.frames import FramesReader

    return FramesReader(dataset, predictor)


READERS: dict[str, Callable[[Dataset, Predictor | None], Reader]] = {
    "camus": _camus,
    "echonet": _echonet,
    "dicom": _dicom,
    "volume": _volume,
    "frames": _frames,
}
