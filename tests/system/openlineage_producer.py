"""A producer using the official client only."""

import sys
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Dataset, Job, Run, RunEvent, RunState
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

url, token, run_id, compression = sys.argv[1:]
config = HttpConfig(
    url=url,
    auth=ApiKeyTokenProvider({"apiKey": token}),
    compression=HttpCompression.GZIP if compression == "gzip" else None,
)
client = OpenLineageClient(transport=HttpTransport(config))
for state in (RunState.START, RunState.COMPLETE):
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(runId=run_id),
            job=Job(namespace="dbt", name="model"),
            inputs=[Dataset(namespace="warehouse", name=f"in-{run_id}")],
            outputs=[Dataset(namespace="warehouse", name=f"out-{run_id}")],
            producer="https://example.org/dbt",
        )
    )
