"""Missing bars rebuilt from finer data: explicit, exact, and never a forward fill."""
