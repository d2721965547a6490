"""A visit to the doctor: whose config it is, the examination, and the config to take home."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vgrad.config import Config
from vgrad.config.loading import file_text
from vgrad.config.rewriting import rewritten
from vgrad.doctor.examination import Examination, examine
from vgrad.doctor.probe import Outcome
from vgrad.doctor.search import Runner
from vgrad.doctor.stored import outcome_of
from vgrad.errors import Problem, RequestError, RunError
from vgrad.provenance import Overrides, load_with_plugins
from vgrad.store import layout, open_run

ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, eq=False)
class Consultation:
    """A config, the file it stands in, and what its training has come to if there was one."""

    config: Config
    file: Path
    seen: Outcome | None = None

    @classmethod
    def of(
        cls, patient: str, overrides: Overrides, plugins: Sequence[str], runs_dir: Path
    ) -> "Consultation":
        """Of a config file, or else of a stored run: an id, a part of one, a folder, `latest`.
        With overrides a run is no more than its config.

        Raises:
            RequestError: there is neither, or the config is wrong.
        """
        path = Path(patient)
        if path.is_file() or patient.endswith(ENDINGS):
            config, _ = load_with_plugins(patient, overrides, plugins)
            return cls(config, path)
        stored = open_run(patient, runs_dir)
        file = stored.path / layout.CONFIG
        config, _ = load_with_plugins(file, overrides, plugins)
        return cls(config, file, None if overrides else outcome_of(stored, config))

    def examine(self, run: Runner) -> Examination:
        """Say what it has and what cures it.

        Raises:
            RequestError: the config cannot be carried out.
        """
        return examine(self.config, run, seen=self.seen)

    def refuse(self, path: Path, *, force: bool) -> None:
        """Say before the examination what would be said of `path` after it.

        Raises:
            RequestError: a file is there already, and is not to be replaced.
        """
        if path.exists() and not force:
            raise RequestError(Problem(f"{path} is there already", "", "--force replaces it"))

    def write(self, found: Examination, number: int, path: Path, *, force: bool) -> None:
        """Write the file with prescription `number`, from 1, carried out, and all the rest of it
        kept as it was.

        Raises:
            RequestError: there is no such prescription, or the file is there already.
            RunError: it cannot be written.
        """
        count = len(found.prescriptions)
        if number > count:
            if not count:
                raise RequestError(Problem("there is nothing to prescribe, and nothing is written"))
            raise RequestError(Problem(f"there is no prescription {number}", "", f"1 to {count}"))
        self.refuse(path, force=force)
        folder = os.path.dirname(os.path.abspath(path))
        text = rewritten(file_text(str(self.file)), found.prescriptions[number - 1].config, folder)
        try:
            with path.open("w" if force else "x", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror}") from None
