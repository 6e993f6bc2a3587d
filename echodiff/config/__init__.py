"""The configuration: one validated model, used by the workflow and by every command."""

from echodiff.config.load import load_config, write_config
from echodiff.config.root import Config

__all__ = ["Config", "load_config", "write_config"]
