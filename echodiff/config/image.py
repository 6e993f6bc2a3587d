"""Section `image`: the frames that all stages work on."""

from typing import Literal

from pydantic import Field

from echodiff.config.base import Section


class Image(Section):
    """Size and geometry of the frames after ingest."""

    size: int = Field(default=256, ge=32, multiple_of=32)
    """Height and width in pixels; a multiple of 32."""

    fit: Literal["stretch", "pad"] = "stretch"
    """`stretch`: the tissue sector's bounding box fills the frame, as in the paper; `pad`: its physical aspect is
    kept."""
