"""A venue of our own for trading on paper: our fills on the live book of a real one."""
