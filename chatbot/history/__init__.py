"""The history: chats listed, searched, named, taken out, brought in and deleted."""
