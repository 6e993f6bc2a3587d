"""Section `report`: tables and figures."""

from pydantic import Field

from echodiff.config.base import Section


class Ablation(Section):
    """All models of the configuration side by side."""

    enabled: bool = True
    """Make the table of all models and, if there are several, their paired tests."""

    against: str | None = None
    """The model that the others are tested against; `null`: the first one."""


class Report(Section):
    """What the report shows."""

    model: str | None = None
    """The model whose images the figures show; `null`: the first one."""

    validation_cases: int = Field(default=4, ge=1, le=12)
    """Rows of Figure 2: validation cases, evenly spaced in the list of ids."""

    kept_cases: int = Field(default=48, ge=0, le=400)
    """Frames on each dataset's sheet of kept cases, the oddest first; 0: no sheets."""

    dpi: int = Field(default=150, ge=50, le=600)
    """Resolution of the figures, in dots per inch."""

    subgroups: bool = True
    """Make the table of subgroups by image quality, scanner and ejection fraction."""

    ablation: Ablation = Ablation()
