"""Money: what a call costs."""
