"""`echodiff check`: what is in a folder of unknown content, before anything is run on it."""
