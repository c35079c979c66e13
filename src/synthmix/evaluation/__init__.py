"""Evaluation: from stored predictions to numbers; nothing here needs the classifier or torch."""
