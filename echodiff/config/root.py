"""The whole configuration."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

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

# Names become folders and file names, and wildcards of the workflow.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Config(Section):
    """One run of the workflow: what goes in, how it is divided, which models are trained, how they are judged."""

    training_dataset: Name
    """The dataset the models learn from; all others are translated into its style."""

    datasets: dict[Name, Dataset] = Field(min_length=1)
    """The datasets by name; each has a format and a folder (or a phantom that is written for it)."""

    models: dict[Name, Model] = Field(min_length=1)
    """The models by name; each is trained, used for translation and evaluated."""

    pathvars: dict[str, str] = Field(default_factory=dict)
    """Places of a run's files for Snakemake; `results: FOLDER` moves all of them."""

    image: Image = Image()
    split: Split = Split()
    variants: Variants = Variants()
    segmenter: Segmenter = Segmenter()
    translate: Translate = Translate()
    evaluate: Evaluate = Evaluate()
    report: Report = Report()

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.training_dataset not in self.datasets:
            raise ValueError(
                f"training_dataset: expected one of the datasets {', '.join(self.datasets)}, "
                f"found {self.training_dataset!r}"
            )
        for key, name in (("model", self.report.model), ("ablation.against", self.report.ablation.against)):
            if name is not None and name not in self.models:
                raise ValueError(f"report.{key}: expected one of the models {', '.join(self.models)}, found {name!r}")
        return self

    @model_validator(mode="after")
    def _labels_can_be_predicted(self) -> Self:
        if self.training_dataset in self.predicted_datasets:
            raise ValueError(
                f"datasets.{self.training_dataset}.labels: expected `file`, as the segmenter that predicts labels "
                "learns from the training dataset's own, found 'predicted'"
            )
        if self.predicted_datasets and self.segmenter.seed == self.evaluate.segmentation.seed:
            raise ValueError(
                "segmenter.seed: expected another seed than evaluate.segmentation.seed, as a segmenter must not judge "
                f"images of its own label maps, found {self.segmenter.seed} for both"
            )
        return self

    @property
    def predicted_datasets(self) -> list[str]:
        """The names of the datasets whose cases without labels get predicted ones."""
        return [name for name, dataset in self.datasets.items() if dataset.labels == "predicted"]

    @property
    def source_datasets(self) -> list[str]:
        """The names of the datasets to translate, in the order of the configuration."""
        return [name for name in self.datasets if name != self.training_dataset]

    @property
    def lv_only_datasets(self) -> list[str]:
        """The datasets whose labels have the left ventricle alone."""
        return [name for name, dataset in self.datasets.items() if dataset.format == "echonet"]

    @property
    def headline_model(self) -> str:
        """The model whose images the figures show: `report.model`, else the first."""
        return self.report.model or next(iter(self.models))

    @property
    def ablation_reference(self) -> str:
        """The model that the others are tested against: `report.ablation.against`, else the first."""
        return self.report.ablation.against or next(iter(self.models))
