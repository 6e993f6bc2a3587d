"""Image sets as files of pictures that other programs read."""
