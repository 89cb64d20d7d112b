"""The exchange itself: books, orders, accounts, margin; no clock, no input or output."""
