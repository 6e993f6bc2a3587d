"""The four-chamber plane that is found in volumes without one, against the truth of phantom volumes.

    python benchmarks/volume_planes.py [--volumes 48] [--seed 1]

Every volume is another patient, seen with the plane turned by any angle about the beam and tilted out of it by a few
degrees, and lies in the world in a random orientation. Prints quantiles of the angle between the planes' normals, of
the angle between the long axes, and of the distances of true apex, mitral centre and LV centroid from the found plane,
and how confidence and error are related; then how many of the same patients without a right heart are rejected.
"""

import argparse
import time

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from echodiff.ingest.case import Reject
from echodiff.ingest.planes.find import find_landmarks
from echodiff.ingest.planes.plane import Landmarks
from echodiff.phantom.anatomy import sample_anatomy, without
from echodiff.phantom.body import Pose
from echodiff.phantom.machines import MACHINES
from echodiff.phantom.volume import VolumeCase, render_volume


def turned_volume(seed: int, *missing: str) -> tuple[VolumeCase, np.ndarray]:
    """A patient's volume with the plane at any angle, and a random orientation (3, 3) of it in the world."""
    rng = np.random.default_rng([seed, 9])
    pose = Pose(float(rng.uniform(-180, 180)), float(np.clip(rng.normal(0, 4), -9, 9)))
    anatomy = without(sample_anatomy(np.random.default_rng([seed, 0])), *missing)
    case = render_volume(MACHINES["3d_spatial"], seed, anatomy, pose)
    return case, Rotation.random(random_state=seed).as_matrix()


def as_itk(case: VolumeCase, array: np.ndarray, direction: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((case.voxel_mm,) * 3)
    image.SetOrigin((direction @ case.origin_mm).tolist())
    image.SetDirection(direction.ravel().tolist())
    return image


def compare(case: VolumeCase, direction: np.ndarray) -> dict[str, float]:
    """Errors of the found plane in degrees and mm, its confidence and the CPU-seconds it took."""
    image, labels = (as_itk(case, part, direction) for part in (case.image, case.labels))
    start = time.process_time()
    found, confidence = find_landmarks(image, labels, {})
    seconds = time.process_time() - start
    truth = Landmarks(**{name: direction @ point for name, point in case.landmarks.items()})
    normal = _normal(found)
    ventricle = np.argwhere(case.labels == 1).mean(axis=0)[::-1] * case.voxel_mm + case.origin_mm
    axes = [_unit(marks.mitral_centre - marks.apex) for marks in (found, truth)]
    return {
        "plane deg": _degrees(normal @ _normal(truth)),
        "long axis deg": _degrees(axes[0] @ axes[1]),
        "apex mm": abs((truth.apex - found.apex) @ normal),
        "mitral centre mm": abs((truth.mitral_centre - found.apex) @ normal),
        "LV centroid mm": abs((direction @ ventricle - found.apex) @ normal),
        "confidence": confidence,
        "CPU s": seconds,
    }


def _normal(marks: Landmarks) -> np.ndarray:
    return _unit(np.cross(marks.mitral_centre - marks.apex, marks.lateral_annulus - marks.mitral_centre))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _degrees(cosine: float) -> float:
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volumes", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    lines, empty = [], []
    for number in range(arguments.volumes):
        seed = 1000 * arguments.seed + number
        for rows, missing in ((lines, ()), (empty, ("RV", "RA"))):
            try:
                rows.append(compare(*turned_volume(seed, *missing)))
            except Reject as error:
                rows.append({"rejected": str(error)})
    table = pd.DataFrame(lines).reindex(columns=[*list(lines[0]), "rejected"])
    found = table[table["rejected"].isna()].drop(columns="rejected").astype(float)
    print(f"{len(found)} of {len(table)} planes found; same side within 90 deg: {(found['plane deg'] < 90).sum()}")
    print(found.quantile([0.5, 0.9, 1.0]).round(2).to_string())
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 1.01)):
        part = found[(found["confidence"] >= low) & (found["confidence"] < high)]
        if len(part):
            print(
                f"confidence {low:g} to {min(high, 1):g}: {len(part)}, median {part['plane deg'].median():.1f} deg, "
                f"most {part['plane deg'].max():.1f} deg"
            )
    alone = pd.DataFrame(empty).reindex(columns=["confidence", "rejected"])
    print(
        f"without a right heart: {alone['rejected'].notna().sum()} of {len(alone)} rejected, confidence of the rest "
        f"at the median {alone['confidence'].median():.2f}"
    )


if __name__ == "__main__":
    main()
