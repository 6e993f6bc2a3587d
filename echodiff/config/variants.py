"""Section `variants`: several label maps for each case whose source gives the left ventricle alone."""

from pydantic import Field

from echodiff.config.base import Section


class Variants(Section):
    """Several guides for a case of which only the left ventricle is known: wall and atrium are drawn at random from the
    shape model."""

    samples: int = Field(default=0, ge=0, le=1000)
    """Label maps to draw for each case whose label map contains only the LV, in datasets with `completion`; every model
    translates all of them. 0: none."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the draws. Each draw has a seed of its own, made from this one, the case's id and its number."""
