"""Documents that people write: JSON, or YAML read so that nothing in it changes its meaning."""

import json
from typing import Annotated, Any

import yaml
from fastapi import Depends, Request

from mintmark_shared.errors import BadRequest, Invalid, TooLarge, UnsupportedMedia

LARGEST = 1_000_000
YAML = {"application/yaml", "application/x-yaml", "text/yaml"}


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML without aliases, and with dates and decimals kept as the text they were written as."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


_KEPT_AS_TEXT = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float"}
_PlainLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in _KEPT_AS_TEXT]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


async def _read(request: Request) -> dict[str, Any]:
    content = await request.body()
    if len(content) > LARGEST:
        raise TooLarge(f"A document may have {LARGEST} bytes.")
    media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if media_type in YAML:
        document = _from_yaml(content)
    elif media_type == "application/json":
        document = _from_json(content)
    else:
        raise UnsupportedMedia("Send application/json or application/yaml.")
    if not isinstance(document, dict):
        raise Invalid("The document must be an object.", code="not-an-object")
    return document


def _from_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON.", code="not-json") from error


def _from_yaml(content: bytes) -> Any:
    try:
        return yaml.load(content, Loader=_PlainLoader)  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRequest("The body is not YAML that is read here (no aliases, no tags).", code="not-yaml") from error


WrittenDocument = Annotated[dict[str, Any], Depends(_read)]


def written_body(schema: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of a route that takes a written document."""
    content = {"application/json": {"schema": schema}, "application/yaml": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
