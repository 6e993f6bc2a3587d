"""Stage `translate`: guides of a dataset through a trained generator, to a synthetic dataset in the same layout."""
