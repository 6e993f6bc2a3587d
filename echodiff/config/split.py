"""Section `split`: how patients are divided into training and validation."""

from typing import Self

from pydantic import Field, model_validator

from echodiff.config.base import Section


class Split(Section):
    """Patients are divided, never images; those with an identical frame stay together; strata of image quality and
    ejection fraction are kept in proportion."""

    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Share of patients kept for validation, where `folds` is not given."""

    folds: int | None = Field(default=None, ge=2)
    """Number of folds for cross-validation; each patient is in the validation of exactly one."""

    fold: int = Field(default=0, ge=0)
    """Which fold, from 0, is the validation of this run; only with `folds`."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the division."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold and self.folds is None:
            raise ValueError(f"fold {self.fold} is given, but no number of folds")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"fold must be below folds = {self.folds}, found {self.fold}")
        return self
