"""What the app makes of every way in which a model's server can fail."""
