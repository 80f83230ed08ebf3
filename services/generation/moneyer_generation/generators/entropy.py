"""The noise of claimed engines, drawn from generators whose whole state the operating system chose.

synthcity seeds numpy, torch and Python with one 32-bit number, and does so again whenever it makes a network: four
thousand million possible runs, which an attacker can try. Here every such call fills the state anew instead.
"""

import os
import random
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

STATE_BYTES = 2496
"""A Mersenne Twister's 624 words: numpy's, torch's and Python's generators each keep one."""
_NAME = "enable_reproducible_results"


@contextmanager
def fresh_entropy() -> Generator[None]:
    """While it lasts, whoever asks synthcity for repeatable numbers gets fresh ones."""
    replaced = [
        (module, getattr(module, _NAME))
        for name, module in list(sys.modules.items())
        if name.startswith("synthcity.") and hasattr(module, _NAME)
    ]
    for module, _ in replaced:
        setattr(module, _NAME, _fresh)
    _fresh()
    try:
        yield
    finally:
        for module, seeded in replaced:
            setattr(module, _NAME, seeded)


def _fresh(*_: Any, **__: Any) -> None:
    reseed()


def reseed() -> None:
    """Fill the global generators of numpy, Python and, where it is there, torch with the operating system's entropy."""
    np.random.set_state(("MT19937", np.frombuffer(os.urandom(STATE_BYTES), np.uint32), 624, 0, 0.0))  # noqa: NPY002
    words = np.frombuffer(os.urandom(STATE_BYTES), np.uint32).tolist()
    random.setstate((3, (*words, 624), None))
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_rng_state(_torch_state(torch))


def _torch_state(torch: Any) -> Any:
    """Torch's own state with fresh words, all of them used up, so that the next number comes of all 624."""
    torch.manual_seed(0)
    state = torch.get_rng_state().numpy().copy()
    words = np.frombuffer(state.tobytes(), np.uint64)[3:627].copy()
    assert len(words) == 624  # noqa: PLR2004 - as STATE_BYTES says
    words[:] = np.frombuffer(os.urandom(STATE_BYTES), np.uint32)
    state[24 : 24 + 624 * 8] = words.view(np.uint8)
    return torch.from_numpy(state)
