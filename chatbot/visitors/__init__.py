"""Who is asking, and how much of the service they may take."""
