"""Tests of the whole server: real gunicorn, real databases and stores, real sockets."""
