"""Pages for browsers: whole in themselves."""

import re

from attacks.conftest import Service, routes
from lineage.conftest import World as Lineage
from lineage.test_cards import Evidence, made, with_evidence

from moneyer_lineage.public.use_cases import publish

LOADS = re.compile(
    r"""(?:src|href|action|srcset|data)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(\s*["']?\s*(?:https?:)?//"""
)


async def test_no_page_loads_anything_from_another_host(services: dict[str, Service]) -> None:
    """Whoever owns a script's host would read what a reader's browser may: pages are whole in themselves."""
    for service in services.values():
        paths = {"/docs", "/redoc", "/docs/oauth2-redirect"}
        paths |= {route.path for route in routes(service.name) if "text/html" in str(route.operation["responses"])}
        for path in sorted(paths):
            answer = await service.send("GET", path)
            assert not LOADS.search(answer.text), (service.name, path)
        for path in ("/docs", "/redoc"):
            assert (await service.bare("GET", path)).status_code == 404, (service.name, path)


async def test_a_public_page_names_no_other_host(lineage: Lineage) -> None:
    with_evidence(lineage, Evidence(disclosure="summary"))
    asset = await made(lineage)
    await publish(lineage.app.state.dependencies)
    for path in ("/public", f"/public/assets/{asset}"):
        page = await lineage.call.bare("GET", path)
        assert page.status_code == 200
        assert not LOADS.search(page.text), path
