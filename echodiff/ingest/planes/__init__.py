"""Planes of three dimensions: the four-chamber plane of a volume, and planes that are the frames of a cine."""
