"""The pages of docs/reference/, one a file, each made from the code it describes."""
