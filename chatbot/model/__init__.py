"""OpenAI's room: the client, the stream it sends."""
