"""Tokens as Keycloak, Entra and Okta write them: who they speak for, by which roles, and what passes for none of them."""

import time
from typing import Any

import pytest
from conftest import ISSUER, settings_of
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from pydantic import ValidationError

from moneyer_policy.settings import Settings
from moneyer_shared.auth import Caller, TokenVerifier
from moneyer_shared.claims import MOST_NAMES, Reading, read_names, read_path
from moneyer_shared.errors import Unauthenticated
from moneyer_shared.roles import ROLES, scopes_of

KEY = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)


async def verified(claims: dict[str, Any], *, typ: str | None = "JWT", **settings: Any) -> Caller:
    """The caller by a signed token, at a service with these settings."""
    key = {"master_key": "a", "signing_key": "a", "vault": "/v"}
    told = Settings.model_validate(settings_of("postgresql://x") | key | settings)

    async def keys() -> KeySet:
        return KeySet([KEY])

    verifier = TokenVerifier(
        issuer=ISSUER, audience=told.audience or "moneyer-policy", fetch_keys=keys, reading=told.reading
    )
    head = {"alg": "ES256", "kid": KEY.kid} | ({"typ": typ} if typ else {})
    now = int(time.time())
    said = {"iss": ISSUER, "iat": now, "exp": now + 60} | claims
    kept = {name: value for name, value in said.items() if value is not ...}
    return await verifier.verify(jwt.encode(head, kept, KEY))


async def refused(claims: dict[str, Any], **options: Any) -> str:
    with pytest.raises(Unauthenticated) as told:
        await verified(claims, **options)
    return told.value.detail


# --- Keycloak 26 ------------------------------------------------------------------------------

KEYCLOAK = {
    "jti": "onrtac:5d3c", "sub": "7c0f3e0c-1a53-4c2b-a0f6-5b8dd4e6a1f7", "typ": "Bearer", "azp": "moneyer-console",
    "sid": "0b9d", "acr": "1", "allowed-origins": ["https://console.example"],
    "aud": ["moneyer-policy", "moneyer-generation", "account"],
    "realm_access": {"roles": ["offline_access", "moneyer-steward", "uma_authorization", "default-roles-bank"]},
    "resource_access": {
        "moneyer-policy": {"roles": ["moneyer-auditor"]},
        "account": {"roles": ["manage-account", "view-profile"]},
    },
    "scope": "openid profile email", "email_verified": True, "preferred_username": "ada",
}  # fmt: skip
AT_KEYCLOAK = {
    "plain_jwt": True, "client_claim": "azp", "role_claims": ["realm_access.roles", "resource_access.moneyer-policy.roles"],
}  # fmt: skip
KEYCLOAK_ID = KEYCLOAK | {
    "typ": "ID", "aud": "moneyer-console", "at_hash": "x", "nonce": "n", "auth_time": 1, "scope": ...,
    "realm_access": {"roles": ["moneyer-admin"]},
}  # fmt: skip


async def test_keycloak_says_roles_of_the_realm_and_of_clients() -> None:
    caller = await verified(KEYCLOAK, **AT_KEYCLOAK)
    assert (caller.subject, caller.client) == (KEYCLOAK["sub"], "moneyer-console")
    assert caller.scopes == scopes_of(["steward", "auditor"]) | {"openid", "profile", "email"}
    of_any_client = AT_KEYCLOAK | {"role_claims": ["resource_access.*.roles"]}
    assert "policy:evidence:read" in (await verified(KEYCLOAK, **of_any_client)).scopes
    assert (await verified(KEYCLOAK, typ="at+jwt", **(AT_KEYCLOAK | {"plain_jwt": False}))).scopes == caller.scopes


async def test_a_plain_type_is_taken_only_where_a_setting_says_so() -> None:
    for typ in ("JWT", "jwt", None):
        assert "not an access token" in await refused(KEYCLOAK, typ=typ, **(AT_KEYCLOAK | {"plain_jwt": False}))
        assert await verified(KEYCLOAK, typ=typ, **AT_KEYCLOAK)
    for typ in ("id+jwt", "logout+jwt", "dpop+jwt", "JOSE", ""):
        claims = KEYCLOAK if typ else KEYCLOAK | {"typ": "ID"}
        assert "not an access token" in await refused(claims, typ=typ, **AT_KEYCLOAK)


@pytest.mark.parametrize(
    "claims",
    [
        KEYCLOAK_ID,
        KEYCLOAK_ID | {"aud": ["moneyer-console", "moneyer-policy"]},
        *[KEYCLOAK | {"typ": kind} for kind in ("ID", "Refresh", "Offline", "Logout", 7, ["Bearer"], None)],
        *[KEYCLOAK | {name: "x"} for name in ("nonce", "at_hash", "c_hash", "s_hash", "events")],
        KEYCLOAK | {"scope": ...},
        KEYCLOAK | {"aud": ["moneyer-policy", "moneyer-console"]},
        KEYCLOAK | {"azp": "moneyer-policy"},
        KEYCLOAK | {"azp": ...},
    ],
    ids=lambda claims: str({k: v for k, v in claims.items() if v != KEYCLOAK.get(k)})[:60],
)  # fmt: skip
async def test_an_id_token_never_passes_for_an_access_token(claims: dict[str, Any]) -> None:
    said = await refused(claims, **AT_KEYCLOAK)
    assert "not an access token" in said or "not valid here" in said
    mine = claims | {"aud": claims["aud"] if "moneyer-policy" in claims["aud"] else [claims["aud"], "moneyer-policy"]}
    assert "not an access token" in await refused(mine, **AT_KEYCLOAK), "whoever it was made out to"


# --- Entra ------------------------------------------------------------------------------------

API = "0f1c2d3e-aaaa-bbbb-cccc-1234567890ab"
ENTRA = {
    "aud": API, "azp": "c0ffee00-1111-2222-3333-444444444444", "azpacr": "1", "oid": "11111111-2222-3333-4444-555555555555",
    "sub": "pairwise-for-this-app", "scp": "access", "roles": ["Moneyer.Scientist"], "tid": "t", "ver": "2.0",
    "preferred_username": "ada@bank.example", "name": "Ada",
}  # fmt: skip
AT_ENTRA = {
    "plain_jwt": True, "audience": API, "subject_claim": "oid", "client_claim": "azp", "scope_claim": "scp",
    "role_claims": ["roles"],
    "role_names": {
        "Moneyer.Scientist": "scientist", "Moneyer.Committee": ["committee-member", "model-owner"],
        "Moneyer.Generation": ["policy:read", "policy:decisions:write"],
    },
}  # fmt: skip


async def test_entra_says_app_roles_and_who_it_is_by_oid() -> None:
    caller = await verified(ENTRA, **AT_ENTRA)
    assert (caller.subject, caller.client) == (ENTRA["oid"], ENTRA["azp"])
    assert caller.scopes == ROLES["scientist"] | {"access"}
    committee = await verified(ENTRA | {"roles": ["Moneyer.Committee"]}, **AT_ENTRA)
    assert committee.scopes == scopes_of(["committee-member", "model-owner"]) | {"access"}


async def test_a_service_of_entra_has_roles_and_no_scope() -> None:
    claims = ENTRA | {"scp": ..., "idtyp": "app", "roles": ["Moneyer.Generation"]}
    assert (await verified(claims, **AT_ENTRA)).scopes == {"policy:read", "policy:decisions:write"}
    assert "no scope" in await refused(claims | {"idtyp": ...}, **AT_ENTRA)
    assert "no scope" in await refused(claims | {"idtyp": "user"}, **AT_ENTRA)


async def test_an_id_token_of_entra_has_roles_too_and_is_refused() -> None:
    claims = ENTRA | {"scp": ..., "azp": ..., "aud": API}
    assert "not an access token" in await refused(claims, **AT_ENTRA), "one registration for page and API"


async def test_groups_that_entra_left_out_are_told_of() -> None:
    settings = AT_ENTRA | {"role_claims": ["groups"], "role_names": {"aaaa-bbbb": "auditor"}}
    assert (await verified(ENTRA | {"groups": ["aaaa-bbbb"]}, **settings)).scopes == ROLES["auditor"] | {"access"}
    overage = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph"}}}
    assert "left groups out" in await refused(ENTRA | overage, **settings)
    assert "left groups out" in await refused(ENTRA | {"hasgroups": True}, **settings)
    assert await verified(ENTRA | overage, **AT_ENTRA), "who reads other claims is not kept out"


# --- Okta -------------------------------------------------------------------------------------

OKTA = {
    "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "aud": "api://moneyer", "cid": "0oabucvyc38HLL1ef0h7",
    "uid": "00uid4BxXw6I6TV4m0g3", "sub": "ada@bank.example", "auth_time": 1, "scp": ["openid", "moneyer"],
    "groups": ["Everyone", "moneyer-committee-member"],
}  # fmt: skip
AT_OKTA = {
    "plain_jwt": True, "audience": "api://moneyer", "client_claim": "cid", "scope_claim": "scp", "role_claims": ["groups"],
}  # fmt: skip


async def test_okta_says_groups_and_a_list_of_scopes() -> None:
    for typ in (None, "at+jwt"):
        caller = await verified(OKTA, typ=typ, **AT_OKTA)
        assert (caller.subject, caller.client) == ("ada@bank.example", "0oabucvyc38HLL1ef0h7")
        assert caller.scopes == ROLES["committee-member"] | {"openid", "moneyer"}
    assert (await verified(OKTA, **AT_OKTA, subject_claim="uid")).subject == OKTA["uid"]
    split = await verified(OKTA | {"scp": ["x policy:votes:write"], "groups": []}, **AT_OKTA)
    assert split.scopes == {"x policy:votes:write"}, "a name in a list is one name"
    identity = OKTA | {
        "scp": ...,
        "cid": ...,
        "aud": "0oabucvyc38HLL1ef0h7",
        "idp": "00o",
        "amr": ["pwd"],
        "at_hash": "x",
    }
    assert "not an access token" in await refused(identity | {"aud": "api://moneyer"}, **AT_OKTA)


# --- what is odd ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [7, True, None, 1.5, {}, {"a": 1}, [7], [["moneyer-admin"]], [None], [{"name": "moneyer-admin"}], ["a", 1]]
)
async def test_roles_that_are_no_names_are_refused(value: Any) -> None:
    said = await refused(OKTA | {"groups": value}, **AT_OKTA)
    assert said == "The token's groups must be a name or a list of names."
    for claims in ({"realm_access": value}, {"realm_access": {"roles": value}}):
        if claims["realm_access"] == {} or (isinstance(value, dict) and "roles" not in claims["realm_access"]):
            continue
        assert "realm_access.roles must be" in await refused(KEYCLOAK | claims, **AT_KEYCLOAK)


@pytest.mark.parametrize("value", [7, True, None, {}, ["a", 1], [["policy:read"]]])
async def test_scopes_that_are_no_text_are_refused(value: Any) -> None:
    assert "scp must be text" in await refused(OKTA | {"scp": value}, **AT_OKTA)
    assert "scope must be text" in await refused(KEYCLOAK | {"scope": value}, **AT_KEYCLOAK)


async def test_a_list_is_no_scope_of_rfc_9068() -> None:
    assert "must be text" in await refused(KEYCLOAK | {"scope": ["policy:read"]}, **AT_KEYCLOAK)


@pytest.mark.parametrize(
    "name",
    [
        "moneyer-аdmin",  # with a Cyrillic а
        "ｍoneyer-admin", "moneyer‑admin", "Moneyer-Admin", "moneyer-admin ", " moneyer-admin", "admin",
        "moneyer-admin\n", "moneyer-admin,moneyer-steward", "moneyer-admin moneyer-steward", "moneyer-steward\u200b",
        "policy:committee:write", "*", "", "moneyer-",
    ],
    ids=ascii,
)  # fmt: skip
async def test_what_only_looks_like_a_role_gives_nothing(name: str) -> None:
    claims = OKTA | {"groups": [name], "scp": []}
    assert (await verified(claims, **AT_OKTA)).scopes == frozenset()
    assert (await verified(claims | {"groups": name}, **AT_OKTA)).scopes == frozenset()


async def test_ten_thousand_groups_are_refused_in_words() -> None:
    assert "KiB long" in await refused(OKTA | {"groups": [f"g{i}" for i in range(10_000)]}, **AT_OKTA)
    assert f"{MOST_NAMES + 1} roles" in await refused(OKTA | {"groups": ["g"] * (MOST_NAMES + 1)}, **AT_OKTA)
    assert await verified(OKTA | {"groups": ["g"] * MOST_NAMES}, **AT_OKTA)


@pytest.mark.parametrize("claim", ["oid", "azp"])
@pytest.mark.parametrize("value", [7, None, "", "a b", "é", "x" * 201, ["a"], {}])
async def test_names_that_nobody_can_have_are_refused(claim: str, value: Any) -> None:
    said = await refused(ENTRA | {claim: value}, **AT_ENTRA)
    assert "printable ASCII" in said or "must name its client" in said
    if claim == "oid":
        assert "oid" in await refused(ENTRA | {"oid": ...}, **AT_ENTRA), "never the other name instead"


async def test_roles_count_for_nothing_where_no_claim_is_named() -> None:
    caller = await verified(KEYCLOAK, plain_jwt=True, client_claim="azp")
    assert caller.scopes == {"openid", "profile", "email"}


def test_settings_that_cannot_be_meant_are_refused_at_the_start() -> None:
    for names in ({"a": "stewart"}, {"a": []}, {"a": ["steward", "POLICY:READ"]}, {"a": "policy"}):
        with pytest.raises(ValueError, match="roles are"):
            read_names(names)
    for path in ("", "a..b", ".a", [], ["a", ""]):
        with pytest.raises(ValueError, match="path"):
            read_path(path)
    assert read_path(["https://moneyer.example/roles"]) == ("https://moneyer.example/roles",)
    key = {"master_key": "a", "signing_key": "a", "vault": "/v"}
    with pytest.raises(ValidationError):
        Settings.model_validate(settings_of("x") | key | {"role_names": {"a": "stewart"}})
    assert Settings.model_validate(settings_of("x") | key | {"role_claims": ["a.b"]}).reading.roles == [("a", "b")]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(sorted(ROLES)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["realm_access", "resource_access", "roles", "groups", "scope", "scp"]), ANYTHING)
)
def test_whatever_claims_say_the_answer_is_scopes_or_a_refusal(claims: dict[str, Any]) -> None:
    paths = [("realm_access", "roles"), ("resource_access", "*", "roles"), ("roles",), ("groups",), ("groups", "*")]
    for path in paths:
        try:
            told = Reading(scope="scp", roles=[path]).told({"sub": "ada"} | claims)
        except Unauthenticated:
            continue
        assert all(isinstance(one, str) for one in told.scopes)


def test_every_role_reads_and_none_is_a_services() -> None:
    services = {"policy:keys:write", "policy:permits:redeem", "policy:releases:write", "lineage:deliveries:write"}
    for role, scopes in ROLES.items():
        assert {"policy:read", "generation:read", "evaluation:read", "lineage:read"} <= scopes, role
        assert not services & scopes
