"""Things that go over to another owner."""

from moneyer_generation.use_cases.owners import hand_over
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/owners", tag="owners")
DESCRIPTION = "The owner that was can upload to the source no more."

routes.add(
    "PUT", "/{kind}/{subject}", hand_over, "Give a thing to another owner", scope="generation:owners:write",
    extra={"description": DESCRIPTION},
)  # fmt: skip
