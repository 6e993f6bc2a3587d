"""Label maps: found in files beside the images, one an image, or predicted by a segmenter."""
