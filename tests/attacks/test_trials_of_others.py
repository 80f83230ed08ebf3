"""A search's trials are planned by the search: nobody plans a run that it would take for one of them."""

from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from moneyer_generation.use_cases.searches import trial_key
from moneyer_shared.idempotency import KeyText


def test_no_key_that_a_caller_may_send_is_a_trials() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(KeyText).validate_python(trial_key(UUID(int=0), 1))
