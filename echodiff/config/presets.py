"""Presets of models: what differs from the options' defaults, which are the paper's."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # The batch is that of the paper's four cards with one image each.
    "paper": {"generator": {"name": "ncsnpp"}, "discriminator": {"name": "residual"}},
    "fast": {
        "guide": {"style": "planes"},
        "generator": {"name": "fast"},
        "discriminator": {"name": "fast"},
        "loss": {
            "adversarial_weight": 1.8,
            "reconstruction_weight": 8.0,
            "reconstruction_pool": 8,
            "pairing": "relativistic",
            "r1_gamma": 0.0,  # costs time and brings nothing that four trainings could tell (docs/recipe.md)
            "shared_draw": True,
            "transition_probabilities": [0.5, 0.17, 0.17, 0.16],
            "transition_weights": [1.0, 1.0, 0.3, 0.3],
        },
        "optimiser": {
            "generator_rate": 1e-3,
            "discriminator_rate": 1e-3,
            "final_rate": 1e-4,
            "betas": [0.0, 0.9],
            "ema": 0.97,
            "ema_warmup": True,
        },
        "training": {"batch_size": 4, "steps": 1500},
    },
    # Ho et al. 2020 with the velocity of Salimans and Ho 2022, sampled by DDIM (Song et al. 2021).
    "ddpm": {
        "diffusion": {"steps": 1000, "prediction": "velocity"},
        "sampler": {"method": "ddim", "steps": 50},
        "generator": {"name": "ncsnpp"},
        "discriminator": "none",
        "loss": {"reconstruction": "velocity", "reconstruction_weight": 1.0},
        "optimiser": {"generator_rate": 2e-4, "betas": [0.9, 0.999], "ema": 0.9999, "ema_warmup": True},
    },
}
