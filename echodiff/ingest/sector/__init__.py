"""The tissue sector of a frame, found from its pixels, and what is drawn or said of the tissue in it."""
