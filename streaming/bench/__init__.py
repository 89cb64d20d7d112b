"""Measures the flow: real steps, real sockets, another process as the venue."""
