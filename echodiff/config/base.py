"""What every section of the configuration shares: unknown keys are refused, values cannot change after loading."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

# `~` is the user's home, as a shell that is given the same path would have it.
UserPath = Annotated[Path, AfterValidator(lambda path: Path(os.path.expanduser(path)))]


class Section(BaseModel):
    """Base of all sections. Field descriptions become the tables of the manual and the JSON schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)
