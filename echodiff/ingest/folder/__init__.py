"""A user's folder: all files below it, what their places say, and tables beside them."""
