"""Every prescription, written into every file of the gallery, loads to what was prescribed."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.config import load_config
from vgrad.config.rewriting import rewritten
from vgrad.doctor.remedies import candidate, candidates

CONFIGS = Path(__file__).parents[2] / "configs"
GALLERY = sorted([*CONFIGS.glob("*.yaml"), *CONFIGS.glob("remedies/*.yaml")])


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
@settings(max_examples=10)  # of each of forty files
@given(data=st.data())
def test_any_prescription_can_be_written_home(path: Path, data: st.DataObject) -> None:
    """One remedy, or two with a rate, as the search combines them."""
    text, config = path.read_text(encoding="utf-8"), load_config(path)
    changed = config
    for _ in range(data.draw(st.integers(1, 2))):
        found = list(candidates(changed))
        changed = data.draw(st.sampled_from(found))[1].config
    if data.draw(st.booleans()):
        rate = data.draw(st.sampled_from([1e-5, 0.02, 5.0]))
        rated = candidate(changed, ("rate",), {"optimizer.lr": rate})
        changed = rated.config if rated is not None else changed
    written = rewritten(text, changed, str(path.parent))
    assert load_config(yaml.safe_load(written)) == changed
    kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in written.splitlines() if line.lstrip().startswith("#")] == kept
