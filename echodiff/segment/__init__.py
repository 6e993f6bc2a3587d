"""A segmenter of apical four-chamber frames, learned from the training dataset's own label maps."""
