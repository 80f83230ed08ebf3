"""What a data scientist does in MLflow, run by MLflow's own environment; says on its output what came of it.

mlflow_story.py <asset> <model> <owner>
"""

import json
import sys

import mlflow
from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from sklearn.linear_model import LogisticRegression

from moneyer.platforms.mlflow import AssetSource, log_asset, models_of, register_model


def main(asset: str, model: str, owner: str) -> None:
    with mlflow.start_run() as run:
        table = log_asset(asset)
        classifier = LogisticRegression().fit(table[["age"]], table["ill"])
        mlflow.log_metric("accuracy", classifier.score(table[["age"]], table["ill"]))
        logged = mlflow.sklearn.log_model(classifier, name="model", serialization_format="skops")
    version = register_model(logged.model_uri, model, run_id=run.info.run_id, owner=owner)
    (entry,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    source = get_dataset_source_from_json(entry.dataset.source, entry.dataset.source_type)
    assert isinstance(source, AssetSource), "MLflow finds the source by its entry point"
    told = {
        "rows": len(table),
        "loaded_again": len(source.load()),
        "source": source.to_dict(),
        "version": version.version,
        "models": sorted((one.name, str(one.version)) for one in models_of(asset)),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
