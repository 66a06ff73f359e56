"""The resources over the native plugin, for Python programs that want it; the arguments are the same."""
