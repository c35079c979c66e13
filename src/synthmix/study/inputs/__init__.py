"""What a study's work is done on, in floors: images, sets, selections, mixtures, runs above them.

Each floor knows those below it alone; `workspace.py` is the topmost. Beside them stand what is
found in the images (`leakage`, `near_duplicates`, `warnings`) and the seeds wanted (`interim`).
"""
