"""Documents that people write: JSON, or YAML read so that nothing in it changes its meaning."""

from typing import Annotated, Any

from fastapi import Depends, Request

from moneyer_policy.reviews.rules.schema import Schema
from moneyer_shared.documents import apart, read_body
from moneyer_shared.errors import Invalid, TooLarge, UnsupportedMedia
from moneyer_shared.plain_yaml import LARGEST_YAML, read_yaml

YAML = {"application/yaml", "application/x-yaml", "text/yaml"}


async def _read(request: Request) -> dict[str, Any]:
    content = await request.body()
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type in YAML:
        if len(content) > LARGEST_YAML:
            raise TooLarge(f"YAML may have {LARGEST_YAML} bytes here; send a longer document as JSON.")
        document = await apart(read_yaml, content)
    elif media_type == "application/json":
        document = await read_body(content)
    else:
        raise UnsupportedMedia("Send application/json or application/yaml.")
    if not isinstance(document, dict):
        raise Invalid("The document must be an object.", code="not-an-object")
    return document


WrittenDocument = Annotated[dict[str, Any], Depends(_read)]


def written_body(schema: Schema) -> dict[str, Any]:
    """What OpenAPI says of a route that takes a written document."""
    content = {"application/json": {"schema": schema}, "application/yaml": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
