"""Columns: an encoder of its own for each task, tied by a penalty or crossed after each stage."""
