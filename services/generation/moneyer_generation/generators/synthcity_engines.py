"""synthcity's plugins on offer, what each costs, and what the private ones only claim.

The gaps of the claimed ones were measured on synthcity 0.2.12 (docs/decisions/0011).
"""

from moneyer_generation.generators.dpmm_engines import MOST_COUNTS
from moneyer_generation.generators.protocol import Capacity, ParameterSpec
from moneyer_generation.generators.synthcity_aim import AimEngine
from moneyer_generation.generators.synthcity_arf import ArfEngine
from moneyer_generation.generators.synthcity_claimed import ClaimedEngine
from moneyer_generation.generators.synthcity_pategan import PateganEngine
from moneyer_generation.generators.synthcity_plugin import MOST_PLACES, SynthcityEngine
from moneyer_generation.generators.synthcity_sequences import FourierEngine, SequenceEngine
from moneyer_generation.generators.synthcity_survival import SurvivalEngine

_ITERATIONS = ParameterSpec("integer", 300, "1", "5000", "Training epochs.")
_BATCH = ParameterSpec("integer", 200, "16", "10000", "Rows per training step.")
_TRAINED = {"n_iter": _ITERATIONS, "batch_size": _BATCH}
_EPSILON = ParameterSpec("decimal", "1", "0.01", "20", "The ε the plugin claims to spend.")
_DELTA = ParameterSpec("decimal", "0.000001", "0.000000000001", "0.001", "The δ beside it.")
_DOMAIN_FROM_DATA = "Categories, ranges and bins come from the private table: a new value changes what can come out."

WITHOUT_A_GUARANTEE = (
    SynthcityEngine(
        "bayesian-network",
        "generic",
        "A Bayesian network of all columns; fast, good on small tables.",
        {
            "struct_learning_n_iter": ParameterSpec("integer", 1000, "10", "10000", "Structure search steps."),
            "struct_max_indegree": ParameterSpec("integer", 4, "1", "8", "Most parents of a column."),
        },
        cost="seconds",
        # A column's share of its parent's values is a full table.
        capacity=Capacity(most_pair=MOST_COUNTS, most_places=MOST_PLACES),
    ),
    ArfEngine(
        "arf",
        "generic",
        "Adversarial random forests; strong on mixed columns.",
        {
            "num_trees": ParameterSpec("integer", 30, "5", "500", "Trees in the forest."),
            "max_iters": ParameterSpec("integer", 10, "1", "100", "Adversarial rounds."),
        },
        cost="seconds",
    ),
    SynthcityEngine(
        "marginal-distributions",
        "generic",
        "Every column drawn by itself, near uniformly; a baseline to beat, not a table to use.",
        {},
        cost="seconds",
        # It lists every whole number of a range.
        capacity=Capacity(most_span=2**24),
    ),
    SynthcityEngine("ctgan", "generic", "Conditional generative adversarial network for tables.", _TRAINED),
    SynthcityEngine("tvae", "generic", "Variational autoencoder for tables.", _TRAINED),
    SynthcityEngine("rtvae", "generic", "Variational autoencoder made robust against outliers.", _TRAINED),
    SynthcityEngine("nflow", "generic", "Normalising flows for tables.", _TRAINED),
    SynthcityEngine(
        "ddpm",
        "generic",
        "Diffusion model for tables (TabDDPM).",
        {"n_iter": ParameterSpec("integer", 1000, "1", "10000", "Training epochs."), "batch_size": _BATCH},
    ),
    SynthcityEngine(
        "adsgan",
        "privacy",
        "Adversarial network with a penalty on rows that lie close to real ones; the penalty proves nothing.",
        _TRAINED,
    ),
)

OF_TIMES_TO_AN_EVENT = (
    SurvivalEngine(
        "survival-gan",
        "survival_analysis",
        "SurvivalGAN: covariates by an adversarial network, times to the event and censoring by a survival model.",
        _TRAINED,
    ),
    SurvivalEngine(
        "survival-ctgan",
        "survival_analysis",
        "Times to an event on top of a conditional adversarial net.",
        _TRAINED,
    ),
    SurvivalEngine("survae", "survival_analysis", "Times to an event on top of a variational autoencoder.", _TRAINED),
    SurvivalEngine(
        "survival-nflow", "survival_analysis", "Times to an event on top of normalising flows.", {"n_iter": _ITERATIONS}
    ),
)

# Three hundred columns take them longer than a job should, or end in the libraries under them.
_SEQUENCES = Capacity(most_columns=64, most_places=MOST_PLACES)
OF_SEQUENCES = (
    SequenceEngine(
        "timegan",
        "time_series",
        "Recurrent adversarial network for sequences (TimeGAN).",
        _TRAINED,
        capacity=_SEQUENCES,
    ),
    SequenceEngine(
        "timevae",
        "time_series",
        "Variational autoencoder for sequences.",
        _TRAINED,
        capacity=_SEQUENCES,
    ),
    FourierEngine(
        "fflows",
        "time_series",
        "Flows over the Fourier transform of sequences.",
        {"n_iter": _ITERATIONS},
        capacity=_SEQUENCES,
    ),
)

_GENERAL_NOISE = "Noise comes from general-purpose generators in floating point (all of their state is fresh in a run)."

CLAIMED = (
    ClaimedEngine(
        "dpgan",
        "privacy",
        "Adversarial network whose discriminator is trained with DP-SGD.",
        {"epsilon": _EPSILON, "delta": _DELTA, **_TRAINED},
        cost="many minutes",
        covers="the discriminator's training steps, as Opacus accounts for them",
        gaps=(
            _DOMAIN_FROM_DATA,
            "Column encoders are fitted on the private table outside the mechanism.",
            "Batches are not drawn as the accountant assumes (by Poisson sampling).",
            "When training stops, and which round's network is kept, is decided by real rows outside the mechanism.",
            _GENERAL_NOISE,
        ),
    ),
    PateganEngine(
        "pategan",
        "privacy",
        "Adversarial network taught by noisy votes of teachers (PATE).",
        {
            "epsilon": _EPSILON,
            "delta": _DELTA,
            "n_iter": ParameterSpec("integer", 200, "1", "2000", "Rounds of voting."),
            "n_teachers": ParameterSpec("integer", 10, "2", "100", "Teachers."),
        },
        cost="minutes",
        covers="the votes the plugin accounts for, and it ends before they come to more",
        gaps=(
            _DOMAIN_FROM_DATA,
            "About half of the noisy votes it releases are never accounted for.",
            "The discriminator is shown real rows outside the mechanism.",
            _GENERAL_NOISE,
        ),
    ),
    AimEngine(),
)

WITHDRAWN = {
    "privbayes": (
        "synthcity's PrivBayes divides the scale of its noise by the number of rows and adds it to counts, not to "
        "shares: nothing of its counts is private. Use dpmm-mst, which is proven."
    )
}
"""Engines that were offered once, and why nothing is fitted or sampled with them any more."""

SYNTHCITY_ENGINES = (*WITHOUT_A_GUARANTEE, *OF_TIMES_TO_AN_EVENT, *OF_SEQUENCES, *CLAIMED)
