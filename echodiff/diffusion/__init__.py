"""The adversarial diffusion model: schedule, networks, losses, sampler. Pure torch, no files."""
