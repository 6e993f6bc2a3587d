"""Cases without label maps: a segmenter gives them theirs, or a sentence why not."""

import numpy as np
import pytest
import SimpleITK as sitk

from echodiff.config import load_config
from echodiff.config.datasets import CamusDataset, DicomDataset, EchonetDataset, VolumeDataset
from echodiff.config.image import Image
from echodiff.errors import ConfigError, InputError
from echodiff.ingest.case import Reject
from echodiff.ingest.labels.predicted import Predictor
from echodiff.ingest.readers.echonet import EchonetReader
from echodiff.ingest.readers.volume import VolumeReader
from echodiff.ingest.run import ingest_dataset
from echodiff.segment.learn import Training, train_segmenter
from echodiff.segment.segmenter_file import save_segmenter
from echodiff.store.image_set import ImageSet, read_image_set
from echodiff.store.table import read_table

from .conftest import FRAMES, fan, heart, picture, plane, write_camus_patient, write_echonet
from .dicom_files import HEIGHT, WIDTH, write_gray
from .test_volume import write_volume

IMAGE = Image(size=64)
LABELS = heart(HEIGHT, WIDTH)


def stored(folder) -> tuple:
    """Rows by patient or file, and the image set."""
    return read_table(folder / "cases.parquet"), read_image_set(folder / "images.h5")


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.fixture(scope="module")
def training(tmp_path_factory) -> ImageSet:
    """Twelve hearts of several sizes, as ingest leaves them."""
    folder = tmp_path_factory.mktemp("training")
    for number in range(1, 13):
        write_camus_patient(folder / "in", number, plane(seed=number, scale=0.85 + 0.03 * number))
    ingest_dataset("camus", CamusDataset(format="camus", folder="x"), IMAGE, folder / "in", folder, processes=0)
    return read_image_set(folder / "images.h5")


@pytest.fixture(scope="module")
def segmenter(training, tmp_path_factory):
    options = Training(size=64, epochs=25, batch_size=4, learning_rate=5e-3, seed=1)
    path = tmp_path_factory.mktemp("segmenter") / "labels.pt"
    save_segmenter(train_segmenter(training, options, device="cpu"), options, path)
    return path


def test_only_cases_without_a_label_map_get_a_predicted_one(segmenter, tmp_path, monkeypatch):
    monkeypatch.setenv("ECHODIFF_KEY_FILE", str(tmp_path / "key"))
    for name in ("labelled", "unlabelled"):
        write_gray(tmp_path / "in" / f"{name}.dcm", PatientID=name)
    drawn = np.where(LABELS == 3, 0, LABELS)  # somebody left the atrium out
    sitk.WriteImage(sitk.GetImageFromArray(drawn.astype(np.uint8)), str(tmp_path / "in" / "labelled_gt.nii.gz"))
    tissue = [picture(np.zeros_like(LABELS), fan(HEIGHT, WIDTH), seed) for seed in range(6)]
    write_gray(tmp_path / "in" / "no_heart.dcm", np.stack(tissue))
    dataset = DicomDataset(format="dicom", folder="x", labels="predicted", case_ids="source")
    counts = ingest_dataset("d", dataset, IMAGE, tmp_path / "in", tmp_path / "out", segmenter=segmenter, processes=0)
    assert counts == {"kept": 2, "rejected": 1}
    table, images = stored(tmp_path / "out")
    rows = table.set_index("case_id")
    assert rows["label_source"].to_dict() | {"no_heart": None} == {
        "labelled": "file",
        "unlabelled": "predicted",
        "no_heart": None,
    }
    assert 0.7 < rows.loc["unlabelled", "label_confidence"] <= 1 and np.isnan(rows.loc["labelled", "label_confidence"])
    assert "expected a heart in an apical four-chamber view" in rows.loc["no_heart", "reason"]
    own, predicted = (images.masks[images.case_id.index(name)] for name in ("labelled", "unlabelled"))
    assert not (own == 3).any() and (predicted == 3).any()
    for label in (1, 2):
        assert dice(own == label, predicted == label) > 0.75
    assert not predicted[images.sectors[images.case_id.index("unlabelled")] == 0].any()


def test_camus_patients_without_a_label_map_get_a_predicted_one(segmenter, camus_folder, tmp_path):
    dataset = CamusDataset(format="camus", folder="x", labels="predicted")
    counts = ingest_dataset("c", dataset, IMAGE, camus_folder, tmp_path / "out", segmenter=segmenter, processes=0)
    assert counts == {"kept": 3, "rejected": 0}
    table, _ = stored(tmp_path / "out")
    assert table["label_source"].tolist() == ["file", "file", "predicted"]


class Still:
    """In the place of a segmenter: a ventricle that never changes."""

    def ventricle_areas(self, frames, sector):
        return np.ones(len(frames))


@pytest.mark.parametrize("predictor", [Still(), None], ids=["segmenter", "none, as for variants"])
def test_videos_without_a_tracing_are_read_whole(tmp_path, predictor):
    options = EchonetDataset(format="echonet", folder="x", labels="predicted")
    reader = EchonetReader(options, predictor)
    traced, _, untraced = (reader.read(case) for case in reader.find(write_echonet(tmp_path)))
    assert (traced.ed_rule, traced.lv_only) == ("explicit", True)
    assert (untraced.ed_rule, untraced.label_source, untraced.frames) == ("self_similarity", "none", FRAMES)
    assert not untraced.lv_only and untraced.details == {"ef": 55.1, "frame_rate_hz": 50.0}
    (tmp_path / "VolumeTracings.csv").unlink()
    assert len(list(reader.find(tmp_path))) == 3
    with pytest.raises(InputError, match="VolumeTracings.csv"):
        list(EchonetReader(EchonetDataset(format="echonet", folder="x")).find(tmp_path))


def test_volumes_without_labels_need_their_plane(tmp_path):
    write_volume(tmp_path, "v")
    (tmp_path / "v_label.nii.gz").unlink()
    reader = VolumeReader(VolumeDataset(format="volume", folder="x", labels="predicted"))
    (case,) = reader.find(tmp_path)
    frame = reader.read(case)
    assert frame.label_source == "none" and not frame.mask.any() and frame.details["plane_source"] == "given"
    (tmp_path / "planes.csv").unlink()
    with pytest.raises(Reject, match=r"the plane in planes.csv or a label volume"):
        reader.read(next(reader.find(tmp_path)))


def test_areas_follow_the_ventricle(segmenter):
    from echodiff.ingest.labels.predicted import read_predictor

    dataset = DicomDataset(format="dicom", folder="x", labels="predicted")
    predictor = read_predictor(dataset, IMAGE, segmenter)
    assert isinstance(predictor, Predictor)
    planes = [plane(seed=50, scale=scale) for scale in (0.8, 1.0, 1.2)]
    areas = predictor.ventricle_areas(np.stack([part.image for part in planes]), planes[0].sector)
    true = np.array([(part.labels == 1).mean() * 64**2 for part in planes])
    np.testing.assert_allclose(areas, true, rtol=0.25)
    assert areas[0] < areas[1] < areas[2]


def test_without_a_segmenter_nothing_begins(camus_folder, tmp_path):
    dataset = CamusDataset(format="camus", folder="x", labels="predicted")
    with pytest.raises(InputError, match="--segmenter"):
        ingest_dataset("c", dataset, IMAGE, camus_folder, tmp_path / "out", processes=0)
    (tmp_path / "damaged.pt").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged.pt"):
        ingest_dataset("c", dataset, IMAGE, camus_folder, tmp_path / "out", segmenter=tmp_path / "damaged.pt")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"datasets": {"camus": {"labels": "predicted"}}}, "datasets.camus.labels: expected `file`"),
        ({"datasets": {"vscan": {"labels": "predicted"}}, "segmenter": {"seed": 2024}}, "segmenter.seed: .*found 2024"),
        ({"datasets": {"vscan": {"ed": "segmented_area"}}}, "datasets.vscan.*labels: predicted.*found labels: file"),
        ({"datasets": {"echonet": {"labels": "none"}}}, "datasets.echonet.labels.*'file' or 'predicted'"),
    ],
)
def test_options_that_contradict_are_named(overrides, sentence):
    with pytest.raises(ConfigError, match=f"(?s){sentence}"):
        load_config("config/config.yaml", overrides)
