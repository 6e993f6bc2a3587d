"""What every section of the configuration shares: unknown keys are refused, values cannot change after loading."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all sections. Field descriptions become the tables of the manual and the JSON schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)
