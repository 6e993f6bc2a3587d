"""Damaged files of every kind: none crashes or hangs ingest, takes more memory than it may, or gets lost."""

import re
import resource
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image as Pillow

from echodiff.config.datasets import (
    CamusDataset,
    Dataset,
    DicomDataset,
    EchonetDataset,
    FramesDataset,
    VolumeDataset,
)
from echodiff.config.image import Image
from echodiff.errors import InputError
from echodiff.ingest.processes import workers
from echodiff.ingest.processes.work import CaseWork
from echodiff.ingest.readers import reader_of
from echodiff.ingest.run import ingest_dataset
from echodiff.labels import STRUCTURES
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table

from .conftest import heart, plane, write_camus_patient, write_echonet, write_itk, write_video
from .dicom_files import (
    HEIGHT,
    WIDTH,
    cine,
    colour,
    write_gray,
    write_jpeg,
    write_palette,
    write_rle,
    write_segmentation,
)
from .mutate import lied_text, mutations_of, stripped_text
from .outline_files import coco, cvat, labelme, labelme_mask, via, via_table
from .test_dicom_volume import write_dicom_volume
from .test_segments import write_segments
from .test_volume import body, to_itk, write_volume

LONGEST_S = 10.0
MOST_KIB = 2 * 1024**2
INTACT = 2  # cases of each template that are left whole
Case = dict[str, bytes]  # a case's files by name


def contents(folder: Path, *names: str) -> Case:
    return {name: (folder / name).read_bytes() for name in names or sorted(path.name for path in folder.iterdir())}


def dicom_templates(folder: Path) -> list[Case]:
    frames = cine(3)
    write_gray(folder / "gray.dcm", frames)
    write_rle(folder / "rle.dcm", frames)
    write_jpeg(folder / "jpeg.dcm", colour(frames))
    write_palette(folder / "palette.dcm", frames)
    return [{"a.dcm": content} for content in contents(folder).values()]


def labelled_templates(folder: Path) -> list[Case]:
    """A cine with its label map in each format."""
    labels = heart(HEIGHT, WIDTH)
    stack = np.stack([labels] * 3)
    write_gray(folder / "a.dcm", cine(3), HeartRate="60")
    cv2.imwrite(str(folder / "a_gt.png"), labels)
    cv2.imwrite(str(folder / "b.png"), np.repeat(labels[..., None], 3, -1).astype(np.uint16))
    write_segmentation(folder / "a_gt.dcm", {(label, 1): labels == label for label in (1, 2, 3)})
    for ending in ("nii.gz", "nrrd", "mha"):
        sitk.WriteImage(sitk.GetImageFromArray(stack), str(folder / f"a_gt.{ending}"), ending == "nrrd")
    image = contents(folder, "a.dcm")
    maps = contents(folder, "a_gt.png", "a_gt.dcm", "a_gt.nii.gz", "a_gt.nrrd", "a_gt.mha")
    deep = {"a_gt.png": (folder / "b.png").read_bytes()}
    return [image | {name: content} for name, content in maps.items()] + [image | deep]


def camus_templates(folder: Path) -> list[Case]:
    """The new release, the old one in two files, and a half sequence."""
    new = write_camus_patient(folder / "new", 1, info="ED: 1\nES: 12\nNbFrame: 20\nEF: 55.5\n")
    old = folder / "old"
    old.mkdir()
    for name, array in (("ED", new.image), ("ED_gt", new.labels)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((0.308, 0.154))
        sitk.WriteImage(image, str(old / f"patient0001_4CH_{name}.mhd"))
    half = folder / "half"
    half.mkdir()
    sequence = np.stack([plane(seed=seed).image for seed in range(4)])
    write_itk(sequence, half / "patient0001_4CH_half_sequence.nii.gz", (0.308, 0.308, 1.0))
    (half / "Info_4CH.cfg").write_text("ED: 4\nES: 1\nNbFrame: 4\n")
    label = contents(folder / "new" / "patient0001", "patient0001_4CH_ED_gt.nii.gz")
    return [contents(folder / "new" / "patient0001"), contents(old), contents(half) | label]


def volume_templates(folder: Path) -> list[Case]:
    cases = []
    for suffix in (".nii.gz", ".mha", ".nrrd", ".mhd", ".nii"):
        write_volume(folder / suffix, "vol", suffix)
        cases.append({name: data for name, data in contents(folder / suffix).items() if name != "planes.csv"})
    image, labels = body()
    (folder / "us").mkdir()
    origin = (5.0, -20.0, 12.0)
    write_dicom_volume(folder / "us" / "vol.dcm", image[None], (1.0,) * 3, np.eye(3), np.array(origin))
    sitk.WriteImage(to_itk(labels.astype(np.uint8), np.eye(3), origin), str(folder / "us" / "vol_label.nii.gz"))
    return [*cases, contents(folder / "us")]


def echonet_templates(folder: Path) -> list[Case]:
    write_echonet(folder, 2)
    return [contents(folder / "Videos", "0XA.avi")]


def frames_templates(folder: Path) -> list[Case]:
    """A still in each kind of picture, planes, cines, arrays, and a segmentation with names."""
    content, cases = plane(), []
    labels = cv2.imencode(".png", content.labels)[1].tobytes()
    for ending in (".png", ".jpg", ".bmp", ".tif"):
        cases.append({f"a{ending}": cv2.imencode(ending, content.image)[1].tobytes(), "a_gt.png": labels})
    moments = [plane(seed=seed).image for seed in range(4)]
    for ending in (".nii.gz", ".mha", ".nrrd"):
        write_itk(np.stack(moments), folder / f"a{ending}", (0.4, 0.4, 1.0))
        cases.append({f"a{ending}": (folder / f"a{ending}").read_bytes(), "a_gt.png": labels})
    for ending in (".tiff", ".gif"):
        pages = [Pillow.fromarray(moment) for moment in moments]
        pages[0].save(folder / f"a{ending}", save_all=True, append_images=pages[1:])
        cases.append({f"a{ending}": (folder / f"a{ending}").read_bytes(), "a_gt.png": labels})
    np.save(folder / "a.npy", content.image)
    np.save(folder / "a_gt.npy", content.labels)
    cases.append({name: (folder / name).read_bytes() for name in ("a.npy", "a_gt.npy")})
    np.savez(folder / "a.npz", image=content.image, mask=content.labels)
    cases.append({"a.npz": (folder / "a.npz").read_bytes()})
    write_segments(folder / "a_gt.seg.nrrd", [content.labels], [(*named, 0) for named in STRUCTURES.items()])
    cases.append({name: (folder / name).read_bytes() for name in ("a.npy", "a_gt.seg.nrrd")})
    write_video(folder / "a.avi", moments)
    return [*cases, {"a.avi": (folder / "a.avi").read_bytes(), "a_gt.png": labels}]


def outlines_templates(folder: Path) -> list[Case]:
    """A still with its outlines by each program."""
    content = plane()
    image = {"a.png": cv2.imencode(".png", content.image)[1].tobytes()}
    images = {"a.png": content.labels}
    texts = {
        "a_gt.json": (labelme(content.labels), labelme_mask(content.labels), via(images)),
        "a_gt.xml": (cvat(images), cvat(images, "mask")),
        "a_gt.csv": (via_table(images),),
    }
    texts["a_gt.json"] += tuple(coco(images, kind) for kind in ("polygon", "runs", "compressed"))
    return [image | {name: text.encode()} for name, own in texts.items() for text in own]


def finish_outlines(folder: Path, names: list[str], templates: Path) -> None:
    """A table of the label maps, which have several endings."""
    rows = [f"{name}/a.png,{name}/{path.name}" for name in names for path in (folder / name).glob("a_gt.*")]
    (folder / "cases.csv").write_text("\n".join(["file,label", *rows]) + "\n")


def finish_frames(folder: Path, names: list[str], templates: Path) -> None:
    """A table of what the files do not say."""
    images = (path for path in sorted(folder.rglob("a.*")))
    rows = [f"{path.relative_to(folder).as_posix()},0.4,0.4,0" for path in images]
    (folder / "cases.csv").write_text("\n".join(["file,row_mm,column_mm,frame", *rows]) + "\n")


def finish_volumes(folder: Path, names: list[str], templates: Path) -> None:
    (folder / "planes.csv").write_bytes((templates / ".nii.gz" / "planes.csv").read_bytes())


def finish_echonet(folder: Path, names: list[str], templates: Path) -> None:
    """All videos in one folder, listed and traced as the one that they were made from."""
    (folder / "Videos").mkdir()
    for name in names:
        (folder / name / "0XA.avi").rename(folder / "Videos" / f"{name}.avi")
        (folder / name).rmdir()
    for table in ("FileList.csv", "VolumeTracings.csv"):
        head, *rows = (templates / table).read_text().splitlines()
        traced = [row for row in rows if row.startswith("0XA")]
        content = [head, *(row.replace("0XA", name) for name in names for row in traced)]
        (folder / table).write_text("\n".join(content) + "\n")


def finish_camus(folder: Path, names: list[str], templates: Path) -> None:
    for name in names:
        for path in (folder / name).iterdir():
            # The old release's headers name their files of pixels, which keep their names.
            if path.suffix != ".raw":
                path.rename(path.with_name(path.name.replace("patient0001", name)))


Finish = Callable[[Path, list[str], Path], None]
SOURCES: dict[str, tuple[Dataset, Callable[[Path], list[Case]], Finish | None]] = {
    "dicom": (DicomDataset(format="dicom", folder="x", labels="none", case_ids="source"), dicom_templates, None),
    "labels": (DicomDataset(format="dicom", folder="x", case_ids="source"), labelled_templates, None),
    "camus": (CamusDataset(format="camus", folder="x"), camus_templates, finish_camus),
    "volume": (VolumeDataset(format="volume", folder="x", case_ids="source"), volume_templates, finish_volumes),
    "frames": (FramesDataset(format="frames", folder="x", case_ids="source"), frames_templates, finish_frames),
    "outlines": (FramesDataset(format="frames", folder="x", case_ids="source"), outlines_templates, finish_outlines),
    "echonet": (EchonetDataset(format="echonet", folder="x", completion="dilation"), echonet_templates, finish_echonet),
}


def write_cases(folder: Path, templates: list[Case], count: int, seed: int, prefix: str) -> list[str]:
    """Folders of a case each, the first of each template whole, then one file of each mutated."""
    rng = np.random.default_rng(seed)
    targets = [(case, name) for case in templates for name in case]
    whole = [(case, None) for case in templates] * INTACT
    names = []
    for number in range(count + len(whole)):
        turn, case_and_target = divmod(number - len(whole), len(targets))
        case, wanted = whole[number] if number < len(whole) else targets[case_and_target]
        name = f"{prefix}{number + 1:04d}"
        (folder / name).mkdir(parents=True)
        for file, content in case.items():
            if file == wanted:
                mutations = mutations_of(file)
                content = mutations[turn % len(mutations)](content, rng)
            (folder / name / file).write_bytes(content)
        names.append(name)
    return names


def check_reason(reason: str) -> None:
    """One sentence of what was expected and found, without a path, and no fault that nobody foresaw."""
    assert "expected" in reason and "found" in reason, reason
    assert not any(part in reason for part in ("unforeseen", "crashes", "no end to it", "\n", "/tmp")), reason
    assert len(reason) < 400, reason


def check_all_are_accounted_for(tmp_path: Path, name: str, count: int, seed: int, processes: int) -> dict[str, int]:
    dataset, templates_of, finish = SOURCES[name]
    folder, output = tmp_path / "cases", tmp_path / "out"
    (tmp_path / "templates").mkdir()
    templates = templates_of(tmp_path / "templates")
    names = write_cases(folder, templates, count, seed, "patient" if name == "camus" else "case")
    if finish is not None:
        finish(folder, names, tmp_path / "templates")
    dataset = dataset.model_copy(update={"case_seconds": LONGEST_S})
    counts = ingest_dataset(name, dataset, Image(size=64), folder, output, processes=processes)
    table = read_table(output / "cases.parquet").set_index("case_id")
    assert sorted(case.split("/")[0] for case in table.index) == names
    whole = table.iloc[: INTACT * len(templates)]
    assert (whole["status"] == "kept").all(), whole["reason"].tolist()
    for status, reason in zip(table["status"], table["reason"], strict=True):
        assert (status == "kept") == (reason == "")
        if reason:
            check_reason(reason)
    assert counts["rejected"] > 0.05 * count
    assert read_image_set(output / "images.h5").case_id == table.index[table["status"] == "kept"].tolist()
    return counts


@pytest.mark.parametrize("name", SOURCES)
def test_some_damaged_files(tmp_path, name):
    check_all_are_accounted_for(tmp_path, name, 16, seed=1, processes=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("dicom", 800),
        ("labels", 900),
        ("camus", 700),
        ("volume", 500),
        ("echonet", 400),
        ("frames", 900),
        ("outlines", 400),
    ],
)
def test_many_damaged_files(tmp_path, monkeypatch, name, count):
    seconds, peaks, take = [], [], workers._Worker.take

    def watched(own, done):
        seconds.append(own.seconds())
        peaks.append(peak_kib(own.process.pid))
        take(own, done)

    monkeypatch.setattr(workers._Worker, "take", watched)
    counts = check_all_are_accounted_for(tmp_path, name, count, seed=2, processes=1)
    peak = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, *peaks)
    print(f"{name}: {counts}, longest case {max(seconds):.1f} s, peak memory {peak / 1024:.0f} MiB")
    assert peak < MOST_KIB


def peak_kib(process: int) -> int:
    """The most memory that a process has had, which is no child of this one; 0 where it has just crashed."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) if found else 0


TABLES = {"echonet": ("FileList.csv", "VolumeTracings.csv"), "volume": ("planes.csv",), "frames": ("cases.csv",)}


@pytest.fixture(scope="module")
def tabled(tmp_path_factory) -> dict[str, Path]:
    """Datasets with tables, by format."""
    folder = tmp_path_factory.mktemp("tabled")
    write_echonet(folder / "echonet", 2)
    write_volume(folder / "volume")
    for number, content in enumerate(frames_templates(folder)[:3]):
        (folder / "frames" / f"case{number}").mkdir(parents=True)
        for name, data in content.items():
            (folder / "frames" / f"case{number}" / name).write_bytes(data)
    finish_frames(folder / "frames", [], folder)
    return {name: folder / name for name in TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_damaged_tables(tabled, name):
    """A table is refused as a whole or read: then all of the cases have a row."""
    check_tables(tabled[name], name, 16, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_many_damaged_tables(tabled, name):
    check_tables(tabled[name], name, 200, seed=4)


def check_tables(folder: Path, name: str, count: int, seed: int) -> None:
    dataset, rng, refused = SOURCES[name][0], np.random.default_rng(seed), 0
    work = CaseWork(dataset, Image(size=64), None)
    for number in range(count):
        path = folder / TABLES[name][number % len(TABLES[name])]
        content = path.read_bytes()
        mutations = (*mutations_of(path.name), lied_text, stripped_text)
        path.write_bytes(mutations[number % len(mutations)](content, rng))
        try:
            cases = list(reader_of(dataset).find(folder))
            assert len(cases) >= 1
            for case in cases:
                row = work(case).row
                assert row["status"] == "kept" or check_reason(row["reason"]) is None
        except InputError as error:
            refused += 1
            assert path.name in str(error) and "expected" in str(error)
        finally:
            path.write_bytes(content)
    assert 0 < refused < count
