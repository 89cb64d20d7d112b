"""The embedded stack: services of this machine under one supervisor, which takes them all down with it."""
