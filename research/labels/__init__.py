"""Labels: what a model is to predict, one a file; each row carries the interval it looks at."""
