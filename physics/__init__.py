"""Physics clean-up: motion that floats, sinks, slides or topples is mended, and what cannot be mended is left alone."""
