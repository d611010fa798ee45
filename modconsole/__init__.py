"""A keyboard-driven console for people who moderate mental-health peer-support forums."""

__version__ = "0.1.0"
