"""Analyses: what a study's stored predictions say, one file each, from a record of them alone.

None of them opens an image or loads torch: `record.py` says what they rest on, and whoever has it,
in memory or as files of a copied folder, gets the same numbers.
"""
