"""The local append-only journal: the truth for orders. Length, checksum and hash chain for each record."""

from execution.journal.reader import Tail, Verdict, read, verify
from execution.journal.record import Record
from execution.journal.writer import Journal, MemorySink, Sink

__all__ = ["Journal", "MemorySink", "Record", "Sink", "Tail", "Verdict", "read", "verify"]
