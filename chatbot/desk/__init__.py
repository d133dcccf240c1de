"""The operator's desk at /admin and /metrics. To do without: delete this room, its templates and app.py's line."""
