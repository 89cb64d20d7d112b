"""The layout of the home folder (`.tickhouse/`): every file we keep on this machine has its place here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the home folder; nothing is created by asking."""

    root: Path

    @property
    def logs(self) -> Path:
        """A log file a service."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Sockets, locks and pid files of running processes."""
        return self.root / "run"

    @property
    def models(self) -> Path:
        """`<name>/<version>/model.onnx` with `meta.json`, and `<name>/champion.json`."""
        return self.root / "models"

    @property
    def training_sets(self) -> Path:
        """Training rows, a Parquet file a set, named by its content."""
        return self.root / "training_sets"

    @property
    def reports(self) -> Path:
        """Risk reports, a folder a day."""
        return self.root / "reports"

    @property
    def archive(self) -> Path:
        """Days of tables as Parquet, kept beyond their retention."""
        return self.root / "archive"

    @property
    def staging(self) -> Path:
        """Pages of an ingest that is under way: what a killed run takes up again."""
        return self.root / "staging"

    @property
    def dead_letters(self) -> Path:
        """Frames that no decoder understood, with their bytes."""
        return self.root / "dead_letters"

    @property
    def halt(self) -> Path:
        """The kill switch: while this file exists no order goes out. It survives every restart."""
        return self.root / "halt.json"

    def journal(self, account: str) -> Path:
        """The order journal of an account: the truth for orders."""
        return self.root / "journal" / account

    def input_log(self, session: str) -> Path:
        """The input log of one run of the flow."""
        return self.root / "input_log" / session
