"""The wire between the app and its front ends, byte by byte and through a real client."""
