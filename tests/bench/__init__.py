"""Measures what the console costs, beside a named peer in the same run. Reports; never asserts.

python -m tests.bench [--cases N] [--quick] [--only NAME] [--home DIR]
"""
