"""Which part a column may play, by its name: a suggestion, with its reason, that a person confirms.

The names are those of HIPAA's identifiers (45 CFR 164.514(b)(2)), of GDPR's special categories (article 9), and of what
is protected from discrimination by law (Charter of Fundamental Rights of the EU, article 21).
"""

import re
from typing import Literal

from moneyer_shared.contracts.generation import Role
from moneyer_shared.drafting.facts import Said
from moneyer_shared.drafting.standards import words

Replacement = Literal["uuid", "number", "name", "email", "phone", "address", "company"]
PERSON = (
    "person|patient|customer|client|user|member|subject|participant|respondent|employee|household|student|citizen|"
    "beneficiary|policyholder|account|seqn|pupil|donor"
)
_WHO = re.compile(rf"(.*_)?({PERSON})(_(id|no|nr|number|key|code|uuid|guid))?|seqn|(p|m|u)id|mrn")
_IDENTIFIER = re.compile(
    r"(.*_)?(id|uuid|guid|ssn|mrn|nhs_number|passport(_.*)?|iban|email(_.*)?|e_mail|phone(_.*)?|telephone|mobile|fax|"
    r"(first|last|full|sur|given|family|middle|maiden|user|patient|customer)_?name|surname|street(_.*)?|address(_.*)?|"
    r"ip(_address)?|url|licen[cs]e_(plate|number)|account_(no|number)|card_(no|number)|device_id|serial_(no|number)|"
    r"record_(no|number)|note|notes|comment|comments|free_text|remarks?)|id_.*|seqn|name"
)
_PROTECTED = re.compile(
    r"(.*_)?(sex|gender|race|ethnicity|ethnic_.*|religion|faith|disability|disabled|nationality|citizenship|"
    r"sexual_orientation|native_country|pregnan.*)(_.*)?"
)
_SENSITIVE = re.compile(
    r"(.*_)?(income|salary|wage|earnings|diagnos[ie]s.*|icd.*|disease|condition|medication|drug|hiv|hba1c|cholesterol|"
    r"blood.*|bmi|mental.*|depress.*|debt|balance|credit.*|politic.*|union_member|convict.*|criminal.*|alcohol.*|"
    r"smok.*|amount|health.*|symptom.*|genetic.*|outcome|death|died|deceased)(_.*)?"
)
_QUASI = re.compile(
    r"(.*_)?(age|birth.*|dob|yob|zip(_?code)?|post(al)?_?code|postcode|city|town|municipality|county|district|region|"
    r"state|country|province|marital.*|married|occupation|job.*|profession|education.*|degree|household_size|family_size|"
    r"ridageyr|language|location|site|hospital|school)(_.*)?"
)
_INVENTED: tuple[tuple[str, Replacement], ...] = (
    (r"(.*_)?e_?mail(_.*)?", "email"), (r"(.*_)?(phone|telephone|mobile|fax)(_.*)?", "phone"),
    (r"(.*_)?(street|address)(_.*)?", "address"), (r"(.*_)?(company|employer)(_name)?", "company"),
    (r"(.*_)?(uuid|guid)", "uuid"), (r"(.*_)?name", "name"),
)  # fmt: skip


def names_a_person(name: str) -> bool:
    """Whether a column's values tell persons apart, by its name."""
    return _WHO.fullmatch(words(name)) is not None


def is_identifier(said: Said) -> str | None:
    """Why a column identifies; None where nothing says so. A list or bounds of its own say that it does not."""
    if said.categories:
        return None
    if names_a_person(said.name) or _IDENTIFIER.fullmatch(words(said.name)):
        return f"{said.name} is what identifiers are called"
    if said.refers_to:
        return f"its values name rows of {said.refers_to}"
    return "a key of the table: no two rows share a value" if said.unique and said.minimum is None else None


def replacement_for(name: str) -> Replacement | None:
    """What a column of identifiers may be filled with in synthetic tables; None leaves it out."""
    return next((invented for pattern, invented in _INVENTED if re.fullmatch(pattern, words(name))), None)


def role_for(name: str) -> tuple[Role, str]:
    """(role, why) of a column that is learned."""
    told = words(name)
    if _PROTECTED.fullmatch(told):
        return "protected", "protected from discrimination, by its name"
    if _SENSITIVE.fullmatch(told):
        return "sensitive", "what people would not have known of them, by its name"
    if _QUASI.fullmatch(told):
        return "quasi-identifier", "what others may know of a person, by its name"
    return "plain", ""
