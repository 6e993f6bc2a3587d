"""Stage `train`: the loop that teaches a model, its checkpoints, its history and its sheet of samples."""
