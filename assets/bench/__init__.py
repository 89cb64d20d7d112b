"""Measures history: files into tables, tables into frames, frames into factors."""
