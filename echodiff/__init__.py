"""Echocardiography images redrawn in another scanner's style by a mask-guided adversarial diffusion model."""

__version__ = "0.1.0"
