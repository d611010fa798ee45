"""A keyboard-driven console for people who moderate mental-health peer-support forums."""
