"""A ChatGPT-style chat app whose OpenAI key never leaves the server."""
