"""One reader a format: finds the cases of a folder, then reads one case at a time."""

from echodiff.config.datasets import CamusDataset, Dataset, EchonetDataset, VolumeDataset
from echodiff.ingest.case import Reader
from echodiff.ingest.predicted import Predictor


def reader_of(dataset: Dataset, predictor: Predictor | None = None) -> Reader:
    """The reader of a dataset's format, which may ask `predictor` for the end-diastolic frame of a cine.

    Formats are imported when needed: each brings its own libraries.
    """
    if isinstance(dataset, CamusDataset):
        from echodiff.ingest.readers.camus import CamusReader

        return CamusReader(dataset)
    if isinstance(dataset, EchonetDataset):
        from echodiff.ingest.readers.echonet import EchonetReader

        return EchonetReader(dataset, predictor)
    if isinstance(dataset, VolumeDataset):
        from echodiff.ingest.readers.volume import VolumeReader

        return VolumeReader(dataset)
    from echodiff.ingest.readers.dicom import DicomReader

    return DicomReader(dataset, predictor)
