"""The end-diastolic frame of a cine: rules, each in a file of its own, and the cascade that tries them in turn."""
