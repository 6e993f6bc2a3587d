"""Carrying out: what is done with a case, processes that do it, and a journal of what is finished."""
