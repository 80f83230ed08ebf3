"""The office as routes of this wing find it."""

from typing import Annotated

from fastapi import Depends

from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.reviews.routes.office import the_office

InOffice = Annotated[Office, Depends(the_office)]
