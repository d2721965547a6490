"""Write `configs/README.md`: what each remedy reaches, run by run: `python -m tests.gallery_table`.

Takes a few minutes. Run from the project's folder.
"""

import tempfile
from pathlib import Path

import vgrad

FOLDER = Path("configs/remedies")
PAGE = """# The gallery

Every file here runs as it is (`vgrad run configs/quickstart.yaml`) and says in its comment what to
look at. `quickstart.yaml` is a deep net whose gradient vanishes, `quickstart_fixed.yaml` its cure;
`exploding`, `dead_relu` and `saturated_tanh` fail in other ways; `two_layer_line` is the classic
first example, `thousand_layers` and `ten_thousand_layers` are plain nets of that depth.

## Remedies, tried on the same patient

[`remedies/plain.yaml`](remedies/plain.yaml) is a net of 50 tanh layers on the digits that learns
nothing. Each other file adds one remedy to it (and the rate that goes with it). What they reach,
as `vgrad` reports it, {steps} steps each, seed 0:

{table}

ratio: norm of the first layer's gradient over that of the last one's, at the last step. Seconds:
on two cores of the machine that wrote this table, with `python -m tests.gallery_table`.
"""


def title(path: Path) -> str:
    """The first line of a config's comment."""
    line = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    return line.removeprefix("Remedy: ").rstrip(".:")


def row(path: Path, runs_dir: Path) -> str:
    """A line of the table."""
    run = vgrad.run(path, runs_dir=runs_dir)
    summary, final = run.summary, run.summary["final"]
    what = "none: the patient" if path.stem == "plain" else title(path)
    return (
        f"| [{path.stem}](remedies/{path.name}) | {what} | {final['test_accuracy']:.1%} "
        f"| {run.verdict} | {summary['gradient_ratio']:.2g} | {summary['seconds']:.1f} |"
    )


def main() -> None:
    """Run all and write the page."""
    files = sorted(FOLDER.glob("*.yaml"), key=lambda path: (path.stem != "plain", path.stem))
    head = "| config | remedy | test accuracy | verdict | ratio | seconds |"
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(path, Path(folder)) for path in files]
    table = "\n".join([head, "| :-- | :-- | --: | :-- | --: | --: |", *rows])
    steps = vgrad.load_config(FOLDER / "plain.yaml").train.steps
    page = PAGE.format(table=table, steps=steps)
    (FOLDER.parent / "README.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
