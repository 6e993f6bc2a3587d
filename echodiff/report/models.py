"""The table of models: what each of them is, what it learned from and what its training took."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from echodiff.config import Config
from echodiff.progress import format_seconds
from echodiff.report.inputs import dataset_title, model_names, model_title
from echodiff.report.table import NOTHING, Column, ReportTable
from echodiff.store.table import read_table
from echodiff.train.estimate import estimate
from echodiff.train.generator_file import TrainedGenerator, load_generator

HISTORY_COLUMNS = ("step", "epoch", "seconds", "memory_gib")
MODEL, LEARNED, TOOK, OPERATIONS = "Model", "Learning", "Its training took", "Operations an image, GFLOP"
COLUMNS = (
    Column("title", "", align="left"),
    Column("preset", "Preset", MODEL, "left"),
    Column("t", "T", MODEL),
    Column("drawn_in", "Steps of drawing", MODEL),
    Column("parameters_g", "Generator's weights", MODEL),
    Column("parameters_d", "Discriminator's weights", MODEL),
    Column("images", "Images", LEARNED),
    Column("batch", "Batch", LEARNED),
    Column("steps", "Steps", LEARNED),
    Column("epochs", "Epochs", LEARNED),
    Column("seed", "Seed", LEARNED),
    Column("time", "Time", TOOK),
    Column("images_per_second", "Images a second", TOOK),
    Column("memory_gib", "Peak memory, GiB", TOOK),
    Column("gflop_drawn", "to draw it", OPERATIONS),
    Column("gflop_learned", "to learn from it once", OPERATIONS),
)


@dataclass(frozen=True)
class Trained:
    """A trained model and the last row of its history, with the highest memory of all rows."""

    generator: TrainedGenerator
    steps: int
    epochs: float
    seconds: float
    memory_gib: float

    @property
    def images(self) -> int:
        """Number of images learned from: an epoch sees each of them once."""
        return round(self.steps * self.generator.model.training.batch_size / self.epochs)


def read_trained(folder: Path) -> Trained:
    """What `echodiff train` left of a model in its folder.

    Raises:
        InputError: the generator or its history is missing or damaged.
    """
    history = read_table(folder / "history.parquet", HISTORY_COLUMNS)
    last = history.iloc[-1]
    generator = load_generator(folder / "generator.pt")
    return Trained(
        generator, int(last["step"]), float(last["epoch"]), float(last["seconds"]), float(history["memory_gib"].max())
    )


def models(trained: Sequence[Trained], config: Config) -> ReportTable:
    """A row a model, in the configuration's order."""
    by_name = {own.generator.name: own for own in trained}
    data = pd.DataFrame([_row(name, by_name[name]) for name in model_names(config, by_name)])
    return ReportTable(
        name="models",
        title="The models and what they cost",
        subtitle=f"Learned from {dataset_title(config, config.training_dataset)}",
        columns=COLUMNS,
        cells=pd.DataFrame([_cells(row) for row in data.to_dict("records")]),
        data=data,
        notes=(
            "Preset: what the model starts from; its entry in the configuration may change it. T: steps of the "
            "diffusion process. Images: different training images; each step learns from a batch of them, an epoch "
            "sees all of them once.",
            "Time, images a second and memory depend on the machine that trained and its other load: compare models "
            "only where these were the same. Memory: of the GPU, or of one process on a CPU.",
            "Operations: counted, not measured; a multiply-add counts as two. To learn from an image once: both "
            "networks in an iteration with one image, with the gradient penalty's share.",
        ),
    )


def _row(name: str, trained: Trained) -> dict:
    model = trained.generator.model
    cost, drawn_in = estimate(model, trained.generator.size), model.sampler.steps or model.diffusion.steps
    return {
        "model": name,
        "preset": model.preset,
        "t": model.diffusion.steps,
        "drawn_in": drawn_in,
        "parameters_g": cost.parameters_g,
        "parameters_d": cost.parameters_d,
        "images": trained.images,
        "batch": model.training.batch_size,
        "steps": trained.steps,
        "epochs": trained.epochs,
        "seed": model.seed,
        "seconds": trained.seconds,
        "images_per_second": trained.steps * model.training.batch_size / trained.seconds,
        "memory_gib": trained.memory_gib,
        "gflop_drawn": drawn_in * cost.flops_forward / 1e9,
        "gflop_learned": cost.flops_a_step(model.loss.r1_every) / 1e9,
    }


def _cells(row: dict) -> dict[str, str]:
    texts = {key: str(row[key]) for key in ("preset", "t", "drawn_in", "images", "batch", "seed")}
    texts |= {key: f"{row[key]:,}" if row[key] else NOTHING for key in ("parameters_g", "parameters_d", "steps")}
    texts |= {key: f"{row[key]:.1f}" for key in ("epochs", "images_per_second", "memory_gib")}
    texts |= {key: f"{row[key]:,.1f}" for key in ("gflop_drawn", "gflop_learned")}
    return {"title": model_title(row["model"]), "time": format_seconds(row["seconds"])} | texts
