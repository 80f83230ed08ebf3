"""The catalogue of engines."""

from moneyer_generation.use_cases.generators import list_generators, list_withdrawn_generators
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/generators", tag="generators")
READ = "generation:read"

routes.add("GET", "", list_generators, "Every engine, what it earns and what it does not", scope=READ)
routes.add("GET", "/withdrawn", list_withdrawn_generators, "Engines offered no more, and why", scope=READ)
