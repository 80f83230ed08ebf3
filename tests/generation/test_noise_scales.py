"""The noise that claimed engines really draw, held against what their own accounting says it must be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from moneyer_generation.generators.catalogue import CATALOGUE, engine_named
from moneyer_generation.generators.entropy import reseed
from moneyer_generation.generators.synthcity_pategan import least_epsilon
from moneyer_shared.errors import Invalid

pytestmark = pytest.mark.long
# Each engine fits once while its draws of noise are written down; the import of torch is most of the time.
FITS = """
import importlib.util, json, sys, warnings
warnings.filterwarnings("ignore")
from pathlib import Path
import numpy as np
sys.path.insert(0, str(Path(sys.argv[1]).parents[1]))
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec); spec.loader.exec_module(here)
EPSILON, DELTA = 1.0, 1e-6
asked = {"epsilon": "1", "delta": "0.000001"}
table, declaration = here.as_needed("rows")
told = {}

def fit(name, **given):
    engine = here.CATALOGUE[name]
    engine.fit(table, declaration, here.complete(engine, asked | given), 5, lambda _: None)

# pategan: every vote's Laplace scale, and the accountant at the end.
from synthcity.plugins.privacy import plugin_pategan as pategan
scales, ended, drawn = set(), [], np.random.laplace
def laplace(loc, scale, size):
    scales.add(scale)
    return drawn(loc=loc, scale=scale, size=size)
votes, update = [], pategan.PATEGAN._update_alpha
def counted(self, n0, n1):
    after = update(self, n0, n1)
    votes.append(len(np.ravel(n0))); ended[:] = [self]
    return after
pategan.np.random.laplace, pategan.PATEGAN._update_alpha = laplace, counted
fit("pategan", n_iter=50, n_teachers=2)
np.random.laplace = drawn
model = ended[0]
moments = np.arange(1, 101)
told["pategan"] = {
    "scales": sorted(scales), "lamda": model.lamda, "delta": model.delta,
    "arrived": float(np.min((model.alpha_dict - np.log(DELTA)) / moments)),
    "one_more_batch": float(np.min((model.alpha_dict + 2 * model.lamda**2 * moments * (moments + 1) * 200 - np.log(DELTA)) / moments)),
}

# dpgan: the standard deviation that is drawn with, the steps taken, and what dp-accounting makes of both.
import opacus.optimizers.optimizer as optimizers
from opacus.accountants import create_accountant
from opacus import PrivacyEngine
deviations, engines = [], []
noise, private = optimizers._generate_noise, PrivacyEngine.make_private_with_epsilon
def generated(std, reference, **rest):
    deviations.append(float(std))
    return noise(std=std, reference=reference, **rest)
def made(self, **given):
    engines.append((self, given))
    return private(self, **given)
optimizers._generate_noise, PrivacyEngine.make_private_with_epsilon = generated, made
fit("dpgan", n_iter=2, batch_size=100)
engine, given = engines[0]
((multiplier, rate, steps),) = engine.accountant.history
again = create_accountant(mechanism="rdp"); again.history = [(multiplier, rate, steps)]
told["dpgan"] = {
    "deviations": sorted(set(deviations)), "multiplier": multiplier, "norm": given["max_grad_norm"],
    "target": [given["target_epsilon"], given["target_delta"]], "steps": steps, "planned": 2 * len(given["data_loader"]),
    "arrived": float(engine.get_epsilon(DELTA)),
}

# aim: what its Gaussian counts and its choices come to in zCDP.
from synthcity.plugins.core.models import aim
spent, runs = [], []
gaussian, choose, begin = aim.AIM.gaussian_noise, aim.AIM.exponential_mechanism, aim.AIM.run
def counts(self, sigma, size):
    spent.append(0.5 / sigma**2)
    return gaussian(self, sigma, size)
def choice(self, qualities, epsilon, sensitivity=1.0, base_measure=None):
    spent.append(epsilon**2 / 8)
    return choose(self, qualities, epsilon, sensitivity, base_measure)
def run(self, *rest):
    runs.append(self)
    return begin(self, *rest)
aim.AIM.gaussian_noise, aim.AIM.exponential_mechanism, aim.AIM.run = counts, choice, run
fit("aim")
told["aim"] = {"spent": sum(spent), "rho": runs[0].rho, "arrived": aim.cdp_delta(sum(spent) * (1 - 1e-9), EPSILON)}
print(json.dumps(told))
"""


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What the fits told; processes that run tests beside each other fit once between them."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    kept = shared / "noise-scales.json"
    with FileLock(shared / "noise-scales.lock"):
        if not kept.exists():
            command = [sys.executable, "-c", FITS, str(Path(__file__).parent / "test_generators.py")]
            ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path_factory.mktemp("fits"))
            assert ended.returncode == 0, ended.stderr[-3000:]
            kept.write_text(ended.stdout.splitlines()[-1])
    found: dict[str, dict[str, object]] = json.loads(kept.read_text())
    return found


def test_every_claimed_engine_is_held_to_its_accounting(told: dict[str, dict[str, object]]) -> None:
    claimed = {name for name, engine in CATALOGUE.items() if "delta" in engine.parameters and "dpmm" not in name}
    assert claimed == set(told)


def test_votes_are_as_noisy_as_accounted_for_and_end_before_they_come_to_more(
    told: dict[str, dict[str, object]],
) -> None:
    """The plugin alone ends at 1.14 for the 1.0 it was asked for, at a δ of its own."""
    votes = told["pategan"]
    assert votes["scales"] == [1 / float(str(votes["lamda"]))]
    assert votes["delta"] == 1e-6
    assert float(str(votes["arrived"])) <= 1 < float(str(votes["one_more_batch"]))


def test_gradients_are_as_noisy_as_accounted_for_at_the_delta_that_is_stated(
    told: dict[str, dict[str, object]],
) -> None:
    """The plugin alone runs at δ = 1/n."""
    steps = told["dpgan"]
    assert steps["target"] == [1.0, 1e-6]
    assert steps["deviations"] == [pytest.approx(float(str(steps["multiplier"])) * float(str(steps["norm"])))]
    assert steps["steps"] == steps["planned"]
    assert float(str(steps["arrived"])) <= 1


def test_counts_and_choices_come_to_no_more_than_their_rho(told: dict[str, dict[str, object]]) -> None:
    counts = told["aim"]
    assert float(str(counts["spent"])) <= float(str(counts["rho"])) * (1 + 1e-9)
    assert float(str(counts["arrived"])) <= 1e-6 * (1 + 1e-6)


def test_what_was_withdrawn_is_refused_with_the_reason() -> None:
    with pytest.raises(Invalid, match="divides the scale of its noise"):
        engine_named("privbayes")


def test_an_epsilon_below_what_its_accountant_can_tell_is_refused_before_the_charge() -> None:
    assert 0.1 < least_epsilon(1e-6) < 0.2


STATES = """
import sys
import numpy as np
import random
if sys.argv[1] == "torch":
    import torch
from moneyer_generation.generators.entropy import reseed
reseed()
print(np.random.get_state()[1].tolist()[:8], random.random(), torch.randn(4).tolist() if sys.argv[1] == "torch" else "")
"""


def test_noise_has_no_seed_that_could_be_tried() -> None:
    """A state of 624 words made from one 32-bit number obeys the seeding's recurrence; a fresh one does not."""
    reseed()
    words = np.random.get_state()[1].astype(np.uint64)  # noqa: NPY002
    follows = (1812433253 * (words[:-1] ^ (words[:-1] >> np.uint64(30))) + np.arange(1, 624, dtype=np.uint64)) % 2**32
    assert np.count_nonzero(follows == words[1:]) < 5
    seen = {
        subprocess.run([sys.executable, "-c", STATES, "torch"], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(seen) == 2
