"""What a study's work is done on, in four floors: images, sets, mixtures, and runs above them.

Each floor knows those below it alone. `Workspace` of `study/workspace.py` is the topmost.
"""
