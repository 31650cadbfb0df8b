"""Sources of webs for `edgekit line` that need more than NumPy, and what a person types for them."""
