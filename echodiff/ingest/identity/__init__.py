"""Whose the files are: names that cannot be turned back, and an account of the identity that files hold."""
