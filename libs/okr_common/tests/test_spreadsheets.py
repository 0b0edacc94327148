"""What `okr rejected export` writes before a cell is taken away when the file comes back, whatever the cell is."""

from hypothesis import example, given
from hypothesis import strategies as st

from okr_common.spreadsheets import as_it_was, harmless

CELLS = st.text(st.sampled_from("'=+-@\t\n 5.,e%a\u00a0\u200b\uff1d")) | st.text()


@given(CELLS)
@example("'=1")
@example("'-5")
@example("''@me")
@example("'\t5")
def test_a_cell_comes_back_as_it_was(cell: str) -> None:
    assert as_it_was(harmless(cell)) == cell
