"""Measures the app beside a naive baseline; `python -m bench` runs everything and prints one table."""
