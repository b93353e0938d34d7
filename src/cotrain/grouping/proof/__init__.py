"""How good a grouping is proven to be: bounds, optima, choices among measured networks."""
