"""One reader a format: finds the cases of a folder, then reads one case at a time."""

from echodiff.config.datasets import CamusDataset, Dataset, EchonetDataset, VolumeDataset
from echodiff.ingest.case import Reader


def reader_of(dataset: Dataset) -> Reader:
    """The reader of a dataset's format. Formats are imported when needed: each brings its own libraries."""
    if isinstance(dataset, CamusDataset):
        from echodiff.ingest.readers.camus import CamusReader

        return CamusReader(dataset)
    if isinstance(dataset, EchonetDataset):
        from echodiff.ingest.readers.echonet import EchonetReader

        return EchonetReader(dataset)
    if isinstance(dataset, VolumeDataset):
        from echodiff.ingest.readers.volume import VolumeReader

        return VolumeReader(dataset)
    from echodiff.ingest.readers.dicom import DicomReader

    return DicomReader(dataset)
