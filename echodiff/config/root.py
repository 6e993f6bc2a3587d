"""The whole configuration."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from echodiff.config.base import Section
from echodiff.config.datasets import Dataset
from echodiff.config.evaluate import Evaluate
from echodiff.config.image import Image
from echodiff.config.models import Model
from echodiff.config.report import Report
from echodiff.config.segmenter import Segmenter
from echodiff.config.split import Split
from echodiff.config.translate import Translate
from echodiff.config.variants import Variants
from echodiff.errors import ConfigError
from echodiff.labels import LV

# Names become folders and file names, and wildcards of the workflow.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]

# What stands in the place of a model in files and tables: real images, and translators without a model.
REAL = "real"
TRIVIAL = ("resector", "resector_histogram", "nearest_mask", "label_paint")

PHANTOM = "(phantom)"  # follows the title of a dataset whose images are simulated


class Pathvars(Section):
    """Where a run's files go: Snakemake replaces `<results>`, `<logs>` and `<benchmarks>` by these."""

    results: str = "results"
    """Folder of everything that a run makes."""

    logs: str = "<results>/logs"
    """Folder of the jobs' logs."""

    benchmarks: str = "<results>/benchmarks"
    """Folder of the jobs' time and memory."""

    @field_validator("*")
    @classmethod
    def _is_one_word(cls, value: str) -> str:
        """Snakemake takes the text as it is, and the shell that runs a job would read more into it."""
        if re.fullmatch(r"[^\s~'\"`$&;|<>(){}\[\]*?!#\\]+", value.replace("<results>", "results")) is None:
            raise ValueError(
                "expected a folder's path without spaces, `~` and other characters that a shell reads as its own; "
                "write the path out, or let a link lead there (`ln -s`)"
            )
        return value


class Config(Section):
    """One run of the workflow: the data, how they are divided, which models are trained, how they are judged."""

    training_dataset: Name
    """The dataset the models learn from; all others are translated into its style."""

    datasets: dict[Name, Dataset] = Field(min_length=1)
    """The datasets by name; each has a format and a folder (or a phantom to be written). `NAME: null` removes a dataset
    of an earlier file."""

    models: dict[Name, Model] = Field(min_length=1)
    """The models by name; each is trained, used for translation and evaluated. `NAME: null` as for datasets."""

    pathvars: Pathvars = Pathvars()
    """Where a run's files go; `results: FOLDER` moves all of them."""

    image: Image = Image()
    split: Split = Split()
    variants: Variants = Variants()
    segmenter: Segmenter = Segmenter()
    translate: Translate = Translate()
    evaluate: Evaluate = Evaluate()
    report: Report = Report()

    @field_validator("datasets", "models", mode="before")
    @classmethod
    def _null_is_left_out(cls, entries: Any) -> Any:
        if not isinstance(entries, Mapping):
            return entries
        return {name: entry for name, entry in entries.items() if entry is not None}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.training_dataset not in self.datasets:
            raise ValueError(
                f"training_dataset: expected one of the datasets {', '.join(self.datasets)}, "
                f"found {self.training_dataset!r}"
            )
        for name in (REAL, *TRIVIAL):
            if name in self.models:
                raise ValueError(
                    f"models.{name}: expected another name, as results of the workflow itself have this one"
                )
        for key, name in (("model", self.report.model), ("ablation.against", self.report.ablation.against)):
            if name is not None and name not in self.models:
                raise ValueError(f"report.{key}: expected one of the models {', '.join(self.models)}, found {name!r}")
        return self

    @model_validator(mode="after")
    def _training_labels_are_of_files(self) -> Self:
        found = self.datasets[self.training_dataset].labels
        if found != "file":
            raise ValueError(
                f"datasets.{self.training_dataset}.labels: expected `file`, as models and segmenters learn from the "
                f"training dataset's own labels, found {found!r}"
            )
        if self.datasets[self.training_dataset].completion == "shape":
            raise ValueError(
                f"datasets.{self.training_dataset}.completion: expected a training dataset with LV, MYO and LA, as the "
                "shapes that complete label maps are learned from its own, found `shape`; train on another one, or set "
                "`dilation`"
            )
        return self

    @model_validator(mode="after")
    def _some_value_is_the_ventricle(self) -> Self:
        for name, dataset in self.datasets.items():
            values = getattr(dataset, "label_values", {})
            if values and LV not in values.values():
                raise ValueError(
                    f"datasets.{name}.label_values: expected one value at least that stands for {LV}, the LV, "
                    f"found {values}"
                )
        return self

    @model_validator(mode="after")
    def _segmenters_differ(self) -> Self:
        if self.predicted_datasets and self.segmenter.seed == self.evaluate.segmentation.seed:
            raise ValueError(
                "segmenter.seed: expected another seed than evaluate.segmentation.seed, as a segmenter must not judge "
                f"images of its own label maps, found {self.segmenter.seed} for both"
            )
        return self

    @model_validator(mode="after")
    def _use_has_images_to_learn_from(self) -> Self:
        if self.evaluate.use.enabled and not self.source_datasets and not self.evaluate.use.training_guides:
            raise ValueError(
                "evaluate.use.training_guides: expected true, as without a dataset to translate there are no other "
                "synthetic images to learn from, found false"
            )
        return self

    def refuse_absent_files(self) -> None:
        """Look for the files that are named: before a run, not wherever its configuration is read.

        Folders of datasets are not looked for, as a dry run shows the jobs without them, and ingest names them.

        Raises:
            ConfigError: one is not there.
        """
        weights = self.evaluate.inception_weights
        if weights is not None and not weights.is_file():
            raise ConfigError(
                f"evaluate.inception_weights: expected a file with the Inception weights, found none at {weights}; "
                "check the path, or leave the key out to have them downloaded"
            )

    def title_of(self, dataset: str) -> str:
        """The dataset's name in tables and figures: its title, else its key, and whether it is a phantom."""
        entry = self.datasets[dataset]
        return f"{entry.title or dataset} {PHANTOM}" if entry.phantom else entry.title or dataset

    @property
    def predicted_datasets(self) -> list[str]:
        """The names of the datasets whose cases without labels get predicted ones."""
        return [name for name, dataset in self.datasets.items() if dataset.labels == "predicted"]

    @property
    def source_datasets(self) -> list[str]:
        """The names of the datasets to translate, in the order of the configuration."""
        return [name for name in self.labelled_datasets if name != self.training_dataset]

    @property
    def labelled_datasets(self) -> list[str]:
        """The names of the datasets whose cases have label maps, without which nothing can be drawn."""
        return [name for name, dataset in self.datasets.items() if dataset.labels != "none"]

    @property
    def completed_datasets(self) -> list[str]:
        """The datasets of which label maps with the left ventricle alone are completed."""
        return [name for name, dataset in self.datasets.items() if dataset.completes]

    @property
    def headline_model(self) -> str:
        """The model whose images the figures show: `report.model`, else the first."""
        return self.report.model or next(iter(self.models))

    @property
    def ablation_reference(self) -> str:
        """The model that the others are tested against: `report.ablation.against`, else the first."""
        return self.report.ablation.against or next(iter(self.models))
