"""Phantoms: images that look like echocardiography and whose truth is known, written as a scanner's own files."""

from echodiff.phantom.anatomy import Anatomy, sample_anatomy
from echodiff.phantom.machines import MACHINES, Machine
from echodiff.phantom.render import Case, render_case

__all__ = ["MACHINES", "Anatomy", "Case", "Machine", "render_case", "sample_anatomy"]
