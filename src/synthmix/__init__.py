"""How much does synthetic image data help a classifier, at which mix, for which classes?"""

__version__ = "0.1.0"
