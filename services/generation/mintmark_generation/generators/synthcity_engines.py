"""synthcity's plugins on offer, what each costs, and what the private ones only claim.

The gaps of the claimed ones were measured on synthcity 0.2.12 (docs/decisions/0011).
"""

from mintmark_generation.generators.protocol import ParameterSpec
from mintmark_generation.generators.synthcity_aim import AimEngine
from mintmark_generation.generators.synthcity_arf import ArfEngine
from mintmark_generation.generators.synthcity_claimed import ClaimedEngine
from mintmark_generation.generators.synthcity_plugin import SynthcityEngine
from mintmark_generation.generators.synthcity_sequences import FourierEngine, SequenceEngine
from mintmark_generation.generators.synthcity_survival import SurvivalEngine

_ITERATIONS = ParameterSpec("integer", 300, "1", "5000", "Training epochs.")
_BATCH = ParameterSpec("integer", 200, "16", "10000", "Rows per training step.")
_TRAINED = {"n_iter": _ITERATIONS, "batch_size": _BATCH}
_EPSILON = ParameterSpec("decimal", "1", "0.01", "20", "The ε the plugin claims to spend.")
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
_SEQUENCE_COLUMNS = 64
OF_SEQUENCES = (
    SequenceEngine(
        "timegan",
        "time_series",
        "Recurrent adversarial network for sequences (TimeGAN).",
        _TRAINED,
        most_columns=_SEQUENCE_COLUMNS,
    ),
    SequenceEngine(
        "timevae",
        "time_series",
        "Variational autoencoder for sequences.",
        _TRAINED,
        most_columns=_SEQUENCE_COLUMNS,
    ),
    FourierEngine(
        "fflows",
        "time_series",
        "Flows over the Fourier transform of sequences.",
        {"n_iter": _ITERATIONS},
        most_columns=_SEQUENCE_COLUMNS,
    ),
)

CLAIMED = (
    ClaimedEngine(
        "dpgan",
        "privacy",
        "Adversarial network whose discriminator is trained with DP-SGD.",
        {"epsilon": _EPSILON, **_TRAINED},
        cost="many minutes",
        covers="the discriminator's training steps, as Opacus accounts for them at δ = 1 / (n √n)",
        gaps=(
            _DOMAIN_FROM_DATA,
            "Column encoders are fitted on the private table outside the mechanism.",
            "Noise comes from a general-purpose generator, not from the operating system (we seed it freshly).",
        ),
    ),
    ClaimedEngine(
        "pategan",
        "privacy",
        "Adversarial network taught by noisy votes of teachers (PATE).",
        {
            "epsilon": _EPSILON,
            "n_iter": ParameterSpec("integer", 200, "1", "2000", "Rounds of voting."),
            "n_teachers": ParameterSpec("integer", 10, "2", "100", "Teachers."),
        },
        cost="minutes",
        covers="the votes the plugin accounts for",
        gaps=(
            _DOMAIN_FROM_DATA,
            "About half of the noisy votes it releases are never accounted for.",
            "The discriminator is shown real rows outside the mechanism.",
        ),
    ),
    ClaimedEngine(
        "privbayes",
        "privacy",
        "A Bayesian network with noisy conditionals (PrivBayes).",
        {
            "epsilon": _EPSILON,
            "n_bins": ParameterSpec("integer", 20, "2", "100", "Bins of a numeric column."),
            "mi_thresh": ParameterSpec("decimal", "0.01", "0", "1", "Least mutual information of an edge."),
        },
        cost="minutes, and much memory on many columns",
        covers="the choice of the network and the noisy conditionals",
        gaps=(_DOMAIN_FROM_DATA, "Bins and encoders are fitted on the private table outside the mechanism."),
    ),
    AimEngine(),
)

SYNTHCITY_ENGINES = (*WITHOUT_A_GUARANTEE, *OF_TIMES_TO_AN_EVENT, *OF_SEQUENCES, *CLAIMED)
