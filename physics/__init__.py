"""Physics clean-up: motion that floats, sinks or slides is mended, and what cannot be mended is left alone.

from physics.refine import refine

performances, report = refine(performances, stage)
"""
