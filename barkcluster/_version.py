"""The version of barkcluster: here alone, for the package, its files and its build."""

__version__ = "0.1.0"
