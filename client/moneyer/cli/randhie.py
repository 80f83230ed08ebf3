"""The RAND Health Insurance Experiment as statsmodels ships it, and what is publicly known of its columns."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from moneyer_shared.contracts.domains import CategoricalDomain, Domain, IntegerDomain, NumberDomain
from moneyer_shared.contracts.generation import Column, Role, SourceDeclaration

YES_NO = CategoricalDomain(kind="categorical", categories=["no", "yes"])
CATEGORICAL: dict[str, Domain] = {
    "coinsurance": CategoricalDomain(kind="categorical", categories=["0", "25", "50", "95", "100"]),
    "individual_deductible": YES_NO,
    "physical_limitation": CategoricalDomain(kind="categorical", categories=["no", "yes", "unclear"]),
    "health": CategoricalDomain(kind="categorical", categories=["excellent", "good", "fair", "poor"]),
}


def declaration(population_id: Any, name: str) -> SourceDeclaration:
    """Bounds and categories from the study's documentation, none of them from the rows."""

    def column(title: str, domain: Domain, role: Role = "plain") -> Column:
        return Column(name=title, domain=domain, role=role)

    return SourceDeclaration(
        name=name,
        description="Outpatient visits and insurance plans of the RAND Health Insurance Experiment, 1974-1982.",
        population_id=population_id,
        target="health",
        row_limit=100_000,
        columns=[
            column("doctor_visits", IntegerDomain(kind="integer", minimum=0, maximum=127, bins=128), "sensitive"),
            column("coinsurance", CATEGORICAL["coinsurance"]),
            column("individual_deductible", YES_NO),
            column("log_incentive", NumberDomain(kind="number", minimum=0, maximum=8, bins=64)),
            column("log_maximum_expenditure", NumberDomain(kind="number", minimum=0, maximum=9, bins=64)),
            column("physical_limitation", CATEGORICAL["physical_limitation"], "sensitive"),
            column("chronic_diseases", IntegerDomain(kind="integer", minimum=0, maximum=63, bins=64), "sensitive"),
            column("health", CATEGORICAL["health"], "protected"),
        ],
    )


def table() -> pa.Table:
    """The 20,190 person-years."""
    from statsmodels.datasets import randhie

    data: Any = randhie.load_pandas().data
    percent = np.rint(np.exp(data["lncoins"]) - 1).astype(int).astype(str)
    health = np.select(
        [data["hlthg"] == 1, data["hlthf"] == 1, data["hlthp"] == 1], ["good", "fair", "poor"], "excellent"
    )
    limited = np.select([data["physlm"] == 0, data["physlm"] == 1], ["no", "yes"], "unclear")
    return pa.table(
        {
            "doctor_visits": data["mdvis"].to_numpy(dtype=np.int64),
            "coinsurance": percent.to_numpy(),
            "individual_deductible": np.where(data["idp"] == 1, "yes", "no"),
            "log_incentive": data["lpi"].to_numpy(dtype=np.float64),
            "log_maximum_expenditure": data["fmde"].to_numpy(dtype=np.float64),
            "physical_limitation": limited,
            "chronic_diseases": np.rint(data["disea"]).to_numpy(dtype=np.int64),
            "health": health,
        }
    )


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink)
    return sink.getvalue()
