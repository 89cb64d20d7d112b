"""The Bytewax flow: sources, steps, sinks, and the processes beside it."""
