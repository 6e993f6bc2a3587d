"""A label map as a DICOM Segmentation (PS3.3 A.51), with a segment for each structure that it has."""

from copy import deepcopy
from typing import Final

import highdicom as hd
import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from highdicom.sr.coding import CodedConcept
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from echodiff import __version__
from echodiff.labels import STRUCTURES

PROGRAM: Final = "echodiff"
# SNOMED CT, as in the context groups of PS3.16.
CODES: Final = {
    "LV": CodedConcept("87878005", "SCT", "Left ventricle"),
    "MYO": CodedConcept("74281007", "SCT", "Myocardium"),
    "LA": CodedConcept("82471001", "SCT", "Left atrium"),
}


def segmentation(image: Dataset, mask: NDArray[np.uint8]) -> Segmentation:
    """The Segmentation of `image` with the labels of `mask` (H, W) as segment numbers, so that both read alike.

    A structure that the mask does not have has a segment without a plane. How a map came about differs from dataset to
    dataset, so all count as semi-automatic.
    """
    made_by = hd.AlgorithmIdentificationSequence(PROGRAM, codes.DCM.ArtificialIntelligence, __version__)
    segments = [
        SegmentDescription(
            segment_number=label,
            segment_label=structure,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=CODES[structure],
            algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
            algorithm_identification=made_by,
        )
        for structure, label in STRUCTURES.items()
    ]
    source = deepcopy(image)
    source.pop("PixelSpacing", None)  # of an image without a place in space, highdicom makes what it cannot read again
    result = Segmentation(
        source_images=[source],
        pixel_array=mask[None],
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=_uid(image, "series"),
        series_number=2,
        sop_instance_uid=_uid(image, "instance"),
        instance_number=1,
        manufacturer=PROGRAM,
        manufacturer_model_name=PROGRAM,
        software_versions=__version__,
        device_serial_number="0",
    )
    result.PatientOrientation = ""  # as the image's: required, and of ultrasound not known
    return result


def _uid(image: Dataset, level: str) -> str:
    return generate_uid(entropy_srcs=[PROGRAM, "label map", level, image.SOPInstanceUID])
