"""The history: chats listed, searched, named, taken out, brought in and deleted.

To read in this order: shelf, words, passages, search, snippets; naming, title_model; portable, export, archive,
imports, pace; erase, forgetting.
"""
