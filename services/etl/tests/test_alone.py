"""What polars gives up on ends one source's work, not the process."""

import polars as pl
import pytest

from okr_common.errors import PermanentError
from okr_etl.alone import alone


async def test_a_panic_is_an_error_of_the_batch_and_the_next_work_is_done() -> None:
    def given_up() -> None:
        raise pl.exceptions.PanicException("not implemented")

    assert not issubclass(pl.exceptions.PanicException, Exception), "or nothing would have to be done about it"
    with pytest.raises(PermanentError, match="polars gave up: not implemented"):
        await alone(given_up)
    assert await alone(sum, [1, 2]) == 3
