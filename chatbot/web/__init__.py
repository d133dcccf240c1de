"""HTTP: pages, the chat API, health, and the headers every answer carries."""
