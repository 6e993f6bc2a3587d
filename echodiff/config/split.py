"""Section `split`: how patients are divided into training and validation."""

from typing import Self

from pydantic import Field, model_validator

from echodiff.config.base import Section


class Split(Section):
    """Whole patients are divided, never single images. Patients with an identical frame stay together; image quality
    and ejection fraction are balanced between the subsets."""

    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Share of patients held out for validation, if `folds` is not given."""

    folds: int | None = Field(default=None, ge=2)
    """Number of folds for cross-validation; each patient is held out in exactly one."""

    fold: int = Field(default=0, ge=0)
    """Which fold, from 0, is held out in this run; only with `folds`."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the division."""

    @model_validator(mode="after")
    def _fold_exists(self) -> Self:
        if self.fold and self.folds is None:
            raise ValueError(f"fold {self.fold} is given, but no number of folds")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"fold must be below folds = {self.folds}, found {self.fold}")
        return self
