"""Before any work: what a study needs, what it costs and could show, and what is wrong with it."""
