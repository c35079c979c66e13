"""The study file: keys, their checks, and the study that comes of them."""
