"""synthcity's PATE-GAN, held to the ε it was asked for by its own accountant.

The plugin looks at its accountant after a whole round of votes, and ends beyond the ε asked for (1.14 for 1.0); its δ
is 1 / (n √n), whatever it is asked. Here the δ is the plan's, and votes that would lead beyond ε are not given: the
student stays as it was before them.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from moneyer_generation.generators.protocol import CannotLearn, Parameters
from moneyer_generation.generators.synthcity_claimed import ClaimedEngine
from moneyer_generation.generators.synthcity_plugin import FittedPlugin
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Mechanism
from moneyer_shared.errors import Invalid

MOMENTS = 100
"""The highest moment the plugin's accountant looks at."""
BATCH, NOISE = 200, 1e-3
ACCOUNT = "_update_alpha"
HOOKS = (ACCOUNT, "fit")


class _Spent(Exception):
    """The next votes would cost more than was asked for."""


class PateganEngine(ClaimedEngine):
    """The engine that ends before its accountant has come to more than ε."""

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
        """As claimed.

        Raises:
            Invalid: the accountant cannot account for so small an ε at this δ.
        """
        least = least_epsilon(float(str(parameters["delta"])))
        if float(str(parameters["epsilon"])) < least:
            raise Invalid(
                f"At δ {parameters['delta']} this engine's accountant tells no less than ε {least:.3f}; "
                "ask for a larger ε or δ.",
                code="epsilon-too-small",
            )
        return super().mechanism(declaration, parameters)

    def _made(self, plugin_class: Any, seed: int, settings: Mapping[str, Any]) -> Any:
        made = super()._made(plugin_class, seed, settings)
        # What the plugin is asked for here it drops.
        made.model.delta = settings["delta"]
        hold(made.model)
        return made

    def _fitted(self, plugin: Any, constants: Mapping[str, Any], declaration: SourceDeclaration) -> FittedPlugin:
        for hook in HOOKS:
            # Closures do not pickle well, and a fitted model needs them no more.
            plugin.model.__dict__.pop(hook, None)
        return super()._fitted(plugin, constants, declaration)


def least_epsilon(delta: float) -> float:
    """What the accountant tells of one batch of votes: at moment l, 2 λ² l (l + 1) a vote and ln(1/δ) / l on top."""
    moments = np.arange(1, MOMENTS + 1)
    return float(np.min(2 * NOISE**2 * (moments + 1) * BATCH + np.log(1 / delta) / moments))


def hold(model: Any) -> None:
    """End the plugin's training before the votes that would lead its accountant beyond ε."""
    account, fit = getattr(model, ACCOUNT), model.fit

    def counted(n0: Any, n1: Any) -> Any:
        before = model.alpha_dict.copy()
        account(n0, n1)
        if told(model) > model.epsilon:
            model.alpha_dict = before
            raise _Spent
        return model.alpha_dict

    def until_spent(table: Any) -> Any:
        with suppress(_Spent):
            fit(table)
        if not np.any(model.alpha_dict):
            message = "The ε does not pay for one batch of votes."
            raise CannotLearn(message)
        return model

    setattr(model, ACCOUNT, counted)
    model.fit = until_spent


def told(model: Any) -> float:
    """The accountant's ε: Papernot et al. 2017, Thm. 2, over the plugin's moments."""
    moments = np.arange(1, len(model.alpha_dict) + 1)
    return float(np.min((model.alpha_dict - np.log(model.delta)) / moments))
