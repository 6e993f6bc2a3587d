"""`echodiff variants`: several label maps a case, for datasets whose labels have the left ventricle alone."""
