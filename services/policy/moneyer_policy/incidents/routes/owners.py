"""Things that go over to another owner."""

from typing import Annotated

from fastapi import Path

from moneyer_policy.incidents.use_cases import owners
from moneyer_shared.contracts.documents import Name
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/owners", tag="owners")
Subject = Annotated[Name, Path(description="Its id; its name, of a questionnaire or a kind of resource.")]
routes.add(
    "PUT",
    "/{kind}/{subject}",
    owners.hand_over,
    "Give a thing to another owner",
    scope="policy:owners:write",
    given={"subject": Subject},
    extra={
        "description": "For whoever answers for that when an owner leaves; "
        "the owner that was can do nothing with it any more."
    },
)
