"""The key's room: where a key comes from, who may get it, what names it."""
