"""Which engine and parameters a search tries next: optuna's tree-structured Parzen estimator over what came before.

Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization". A proposal depends on the request, the trials
so far and its number alone, so a search that is taken up again goes on as it would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, cast

import numpy as np

from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.protocol import Engine
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Mechanism, Parameter
from moneyer_shared.contracts.search import Candidate, Choice, SearchRequest
from moneyer_shared.errors import Invalid

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial

EPSILON = "epsilon"
STEP = Decimal("0.000001")
AT_RANDOM = 4
"""So many trials are drawn before the estimator is asked."""


@dataclass(frozen=True)
class Past:
    """A trial that has ended; ``shortfall`` is None where it made no table that was judged."""

    generator: str
    parameters: Mapping[str, Parameter]
    shortfall: Decimal | None


def check_candidates(request: SearchRequest, declaration: SourceDeclaration) -> None:
    """That every choice lies in its engine's ranges, and that the ε pays for a trial at all.

    Raises:
        Invalid: naming what does not.
    """
    for candidate in request.candidates:
        engine = engine_named(candidate.generator)
        for name, choice in candidate.parameters.items():
            if name not in engine.parameters:
                raise Invalid(f"{engine.name} has no parameter {name}.", code="parameter-unknown")
            for value in choice.one_of or (choice.minimum, choice.maximum):
                assert value is not None
                engine.parameters[name].check(name, value)
    if cheapest(request, declaration) > Decimal(request.epsilon):
        raise Invalid("No candidate's least ε is within the search's ε.", code="epsilon-too-small")


def cost_of(mechanism: Mechanism, parameters: Mapping[str, Parameter]) -> Decimal:
    """The ε one privacy unit pays for a fit; none for an engine without a guarantee, which counts as a release."""
    if mechanism.kind == "none":
        return Decimal(0)
    return Decimal(str(parameters[EPSILON])) * (mechanism.group_size if mechanism.kind == "claimed" else 1)


def cheapest(request: SearchRequest, declaration: SourceDeclaration) -> Decimal:
    """The least ε that one more trial can cost one privacy unit."""
    return min(_least(candidate, request, declaration) for candidate in request.candidates)


def propose(
    request: SearchRequest, declaration: SourceDeclaration, past: Sequence[Past], number: int, remaining: Decimal
) -> tuple[str, dict[str, Parameter]]:
    """(generator, parameters) of trial ``number``, within what is left of the ε."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = int(np.random.SeedSequence([request.seed, number]).generate_state(1)[0])
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=AT_RANDOM))
    for trial in past:
        study.add_trial(_ended(trial, request))
    asked = study.ask()
    names = [candidate.generator for candidate in request.candidates]
    chosen = _named(asked.suggest_categorical("generator", names), request)
    if _least(chosen, request, declaration) > remaining:
        chosen = next(one for one in request.candidates if _least(one, request, declaration) <= remaining)
    parameters = {
        name: _drawn(asked, f"{chosen.generator}.{name}", choice) for name, choice in chosen.parameters.items()
    }
    return chosen.generator, parameters | _epsilon(chosen, parameters, request, declaration, remaining)


def _epsilon(
    candidate: Candidate,
    parameters: Mapping[str, Parameter],
    request: SearchRequest,
    declaration: SourceDeclaration,
    remaining: Decimal,
) -> dict[str, Parameter]:
    """The trial's ε: as proposed, or an equal part, and never more than is left."""
    engine = engine_named(candidate.generator)
    if EPSILON not in engine.parameters:
        return {}
    wanted = Decimal(str(parameters.get(EPSILON, Decimal(request.epsilon) / request.most_trials)))
    least, most = (Decimal(end) for end in (engine.parameters[EPSILON].minimum, engine.parameters[EPSILON].maximum))
    affordable = (remaining / _rows_charged(engine, declaration)).quantize(STEP, rounding=ROUND_FLOOR)
    choice = candidate.parameters.get(EPSILON)
    if choice is not None and choice.one_of is not None:
        fitting = [value for value in choice.one_of if Decimal(str(value)) <= affordable]
        return {EPSILON: parameters[EPSILON] if parameters[EPSILON] in fitting else min(fitting, key=_number)}
    return {EPSILON: f"{min(max(wanted, least), most, affordable).quantize(STEP, rounding=ROUND_FLOOR).normalize():f}"}


def _number(value: Parameter) -> Decimal:
    return Decimal(str(value))


def _least(candidate: Candidate, request: SearchRequest, declaration: SourceDeclaration) -> Decimal:
    engine, choice = engine_named(candidate.generator), candidate.parameters.get(EPSILON)
    if EPSILON not in engine.parameters:
        return Decimal(0)
    if choice is None:
        part = Decimal(request.epsilon) / request.most_trials
        least = min(max(part, Decimal(engine.parameters[EPSILON].minimum)), Decimal(engine.parameters[EPSILON].maximum))
    else:
        least = min(map(_number, choice.one_of or [choice.minimum or 0]))
    return least * _rows_charged(engine, declaration)


def _rows_charged(engine: Engine, declaration: SourceDeclaration) -> int:
    """What a claimed ε is multiplied by: a claim is of one row, and a unit may own several."""
    defaults = {name: spec.default for name, spec in engine.parameters.items()}
    claimed = engine.mechanism(declaration, defaults).kind == "claimed"
    return declaration.privacy_unit.maximum_rows if claimed else 1


def _named(name: str, request: SearchRequest) -> Candidate:
    return next(candidate for candidate in request.candidates if candidate.generator == name)


def _distribution(choice: Choice) -> "CategoricalDistribution | FloatDistribution | IntDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if choice.one_of is not None:
        return CategoricalDistribution(choice.one_of)
    if isinstance(choice.minimum, int):
        return IntDistribution(choice.minimum, int(choice.maximum or 0), log=choice.log)
    return FloatDistribution(float(choice.minimum or 0), float(choice.maximum or 0), log=choice.log)


def _drawn(asked: "OptunaTrial", name: str, choice: Choice) -> Parameter:
    """A value as the plan writes it: decimals as text, within their ends to the last digit."""
    if choice.one_of is not None:
        return cast("Parameter", asked.suggest_categorical(name, choice.one_of))
    if isinstance(choice.minimum, int):
        return int(asked.suggest_int(name, choice.minimum, int(choice.maximum or 0), log=choice.log))
    low, high = Decimal(str(choice.minimum)), Decimal(str(choice.maximum))
    number = Decimal(repr(asked.suggest_float(name, float(low), float(high), log=choice.log)))
    return f"{min(max(number.quantize(STEP), low), high).normalize():f}"


def _ended(trial: Past, request: SearchRequest) -> "FrozenTrial":
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    choices = _named(trial.generator, request).parameters
    distributions: dict[str, BaseDistribution] = {
        "generator": CategoricalDistribution([candidate.generator for candidate in request.candidates])
    }
    drawn: dict[str, object] = {"generator": trial.generator}
    for name, choice in choices.items():
        distribution = _distribution(choice)
        given: Parameter | float = trial.parameters[name]
        if isinstance(distribution, FloatDistribution):
            given = min(max(float(given), distribution.low), distribution.high)
        distributions[f"{trial.generator}.{name}"] = distribution
        drawn[f"{trial.generator}.{name}"] = given
    ended = TrialState.FAIL if trial.shortfall is None else TrialState.COMPLETE
    worth = None if trial.shortfall is None else float(trial.shortfall)
    return create_trial(state=ended, value=worth, params=drawn, distributions=distributions)
