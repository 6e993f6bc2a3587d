"""Generators and discriminators, chosen by name in the registry."""
