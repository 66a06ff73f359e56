"""Stands before the real pip on the path of what the engine starts; see __main__.py."""
