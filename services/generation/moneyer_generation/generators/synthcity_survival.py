"""synthcity's generators of times to an event: rows with a duration, and whether the event ended it or it was cut off.

Norcliffe, Cebere, Imrie, Lió and van der Schaar 2023, "SurvivalGAN: Generating Time-to-Event Data for Survival
Analysis".
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_generation.generators.protocol import CannotLearn
from moneyer_generation.generators.synthcity_plugin import (
    FittedPlugin,
    SynthcityEngine,
    loaders,
    split_constants,
    to_frame,
)
from moneyer_shared.contracts.generation import SourceDeclaration, Survival


class SurvivalEngine(SynthcityEngine):
    """A plugin that learns event and duration as such, and the other columns as what they depend on."""

    needs = "survival"

    def _loader(self, table: pa.Table, declaration: SourceDeclaration) -> tuple[Any, dict[str, Any]]:
        survival = declared(declaration)
        event, duration = positions(declaration)
        frame = to_frame(table, declaration)
        frame[event] = (frame[event] == survival.occurred).astype("int64")
        frame, constants = split_constants(frame, keep=(event, duration))
        if (frame[event] == frame[event].iloc[0]).all():
            raise CannotLearn("all rows end alike: a time to an event needs both events and rows cut off before one")
        loader = loaders().SurvivalAnalysisDataLoader(frame, target_column=event, time_to_event_column=duration)
        return loader, constants

    def _fitted(self, plugin: Any, constants: Mapping[str, Any], declaration: SourceDeclaration) -> "FittedSurvival":
        return FittedSurvival(plugin, constants, declaration)


class FittedSurvival(FittedPlugin):
    """A fitted plugin whose event comes back as the declared categories."""

    def frame(self, count: int, seed: int) -> pd.DataFrame:
        frame = super().frame(count, seed)
        survival, event = declared(self._declaration), positions(self._declaration)[0]
        occurred = np.rint(frame[event].to_numpy(dtype=np.float64)) >= 1
        return frame.assign(**{event: np.where(occurred, survival.occurred, survival.otherwise(self._declaration))})


def declared(declaration: SourceDeclaration) -> Survival:
    assert declaration.survival is not None
    return declaration.survival


def positions(declaration: SourceDeclaration) -> tuple[str, str]:
    """(event, duration) as the frame names them."""
    names = [column.name for column in declaration.learned]
    survival = declared(declaration)
    return f"c{names.index(survival.event)}", f"c{names.index(survival.duration)}"
