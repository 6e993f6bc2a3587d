"""Stage `split`: patients divided into training and validation, or into folds."""
