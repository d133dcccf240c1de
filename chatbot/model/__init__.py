"""OpenAI's room: the client, the stream it sends, and the tutor that stands in for it."""
