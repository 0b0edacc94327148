"""A route that changes something wants the key; the answer without it says where one is named."""

import pytest
from starlette.exceptions import HTTPException

from okr_common.rest import keyed

KEY = "a key of sixteen"


def test_the_key_opens() -> None:
    keyed(KEY)(KEY)


@pytest.mark.parametrize("said", ["", "a key of sixteem", KEY + "x", "ключ"])
def test_another_one_does_not(said: str) -> None:
    with pytest.raises(HTTPException) as refused:
        keyed(KEY)(said)
    assert (refused.value.status_code, "X-API-Key" in refused.value.detail) == (401, True)


def test_without_a_key_of_its_own_a_service_changes_nothing() -> None:
    with pytest.raises(HTTPException) as refused:
        keyed("")("")
    assert (refused.value.status_code, "OKR_REST__API_KEY_FILE" in refused.value.detail) == (401, True)
