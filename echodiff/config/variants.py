"""Section `variants`: several label maps for each case whose source gives the left ventricle alone."""

from pydantic import Field

from echodiff.config.base import Section


class Variants(Section):
    """Walls and atria drawn from the shape model, each with the case's own left ventricle: guides that differ by what
    nobody knows of the patient."""

    samples: int = Field(default=0, ge=0, le=1000)
    """Label maps drawn for each case whose label map has the LV alone, of datasets with `completion`; all of them are
    translated by every model. 0: none."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the draws. Each draw has a seed of its own, made from this one, the case's id and its number."""
