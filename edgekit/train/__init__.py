"""Training: recipes as data, and one engine that runs them."""
