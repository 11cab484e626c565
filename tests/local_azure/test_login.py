"""Who gets a token, and what a token is good for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError

from local_azure.arm.subscriptions import TENANT
from local_azure.arm.tokens import ISSUER
from local_azure.home import Home, kept_secret
from local_azure.identity import identity

if TYPE_CHECKING:
    from conftest import StandIn


def forged(home: Home, url: str, **changed: Any) -> str:
    """A token with the real key and wrong claims; a claim of None is left out."""
    now = int(time.time())
    claims = {"iss": f"{ISSUER}{TENANT}/", "aud": url, "tid": TENANT, "exp": now + 60} | changed
    key = kept_secret(home.private / "signing-key")
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm="HS256")


def refusal(stand_in: StandIn, headers: dict[str, str]) -> str:
    with stand_in.http(headers=headers) as client:
        answer = client.get("/subscriptions", params={"api-version": "2022-12-01"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    return answer.json()["error"]["code"]


def test_the_forger_of_these_tests_can_make_a_good_token(stand_in: StandIn):
    token = forged(stand_in.home, stand_in.url)
    with stand_in.http(headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get("/subscriptions?api-version=2022-12-01").status_code == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": int(time.time()) - 10}, "ExpiredAuthenticationToken"),
        ({"exp": None}, "InvalidAuthenticationToken"),
        ({"iss": "https://sts.windows.net/x/"}, "InvalidAuthenticationTokenIssuer"),
        ({"iss": None}, "InvalidAuthenticationToken"),
        ({"tid": "72f988bf-86f1-41af-91ab-2d7cd011db47"}, "InvalidAuthenticationTokenTenant"),
        ({"aud": "https://vault.azure.net"}, "InvalidAuthenticationTokenAudience"),
        ({"aud": ["https://management.azure.com/"]}, "InvalidAuthenticationTokenAudience"),
        ({"nbf": int(time.time()) + 600}, "InvalidAuthenticationToken"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    stand_in: StandIn, changed: dict[str, Any], code: str
):
    token = forged(stand_in.home, stand_in.url, **changed)
    assert refusal(stand_in, {"Authorization": f"Bearer {token}"}) == code


def test_a_token_of_another_key_or_without_signature_is_refused(stand_in: StandIn):
    good = forged(stand_in.home, stand_in.url)
    claims = jwt.decode(good, options={"verify_signature": False})
    for bad in (
        jwt.encode(claims, "another key of sufficient length, 32 bytes", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        good[:-3] + "AAA",
        "nonsense",
    ):
        code = refusal(stand_in, {"Authorization": f"Bearer {bad}"})
        assert code == "InvalidAuthenticationToken"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "AuthenticationFailed"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "AuthenticationFailedInvalidHeader"),
        ({"Authorization": "Bearer"}, "AuthenticationFailedInvalidHeader"),
    ],
)
def test_a_call_without_a_token_is_refused(stand_in: StandIn, headers: dict[str, str], code: str):
    assert refusal(stand_in, headers) == code


@pytest.mark.parametrize(
    "path", ["/subscriptions/x/providers", "/subscriptions", "/nothing/at/all"]
)
def test_every_path_of_arm_wants_a_token(stand_in: StandIn, path: str):
    with stand_in.http(headers={}) as client:
        assert client.get(path).status_code == 401


def test_azure_identity_gets_a_token_for_arm(stand_in: StandIn):
    claims = jwt.decode(stand_in.token(), options={"verify_signature": False})
    assert claims["aud"] == stand_in.url
    assert claims["appid"] == identity(stand_in.home).client_id
    assert 3500 < claims["exp"] - time.time() <= 3600


def test_the_public_clouds_audience_may_be_asked_for(stand_in: StandIn):
    token = stand_in.token("https://management.azure.com")
    with stand_in.http(headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get("/subscriptions?api-version=2022-12-01").status_code == 200


def test_a_token_for_another_service_is_refused_by_arm(stand_in: StandIn):
    token = stand_in.token("https://containerregistry.azure.net")
    with stand_in.http({"Authorization": f"Bearer {token}"}) as http:
        answer = http.get("/subscriptions", params={"api-version": "2022-12-01"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"


def test_a_wrong_secret_gets_no_token(stand_in: StandIn):
    credential = stand_in.credential(client_secret="wrong")  # noqa: S106
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(f"{stand_in.url}/.default")


def test_a_token_for_an_unknown_service_is_not_given(stand_in: StandIn):
    with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
        stand_in.credential().get_token("https://graph.microsoft.com/.default")


def test_an_unknown_tenant_is_refused(stand_in: StandIn, http: httpx.Client):
    answer = http.get("/contoso/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 400
    assert "AADSTS90002" in answer.json()["error_description"]


def test_another_grant_than_client_credentials_is_refused(http: httpx.Client):
    answer = http.post("/adfs/oauth2/v2.0/token", data={"grant_type": "password"})
    assert answer.json()["error"] == "unsupported_grant_type"


def test_a_huge_request_for_a_token_is_refused(http: httpx.Client):
    answer = http.post("/adfs/oauth2/v2.0/token", content=b"x" * 100_000)
    assert answer.status_code == 413


def test_the_clouds_metadata_names_the_stand_in(stand_in: StandIn, http: httpx.Client):
    (cloud,) = http.get("/metadata/endpoints?api-version=2019-05-01").json()
    assert cloud["resourceManager"] == stand_in.url
    assert cloud["authentication"]["loginEndpoint"] == stand_in.url
    assert stand_in.url in cloud["authentication"]["audiences"]
    assert cloud["name"] == stand_in.environment()["AZUREML_CURRENT_CLOUD"]


@pytest.mark.parametrize(
    ("version", "shape"),
    [("", list), ("2019-05-01", list), ("2020-06-01", list), ("2022-09-01", dict)],
)
def test_the_clouds_are_a_list_before_they_are_an_object(
    http: httpx.Client, version: str, shape: type
):
    asked = {"api-version": version} if version else {}
    said = http.get("/metadata/endpoints", params=asked).json()
    assert isinstance(said, shape)
    one = said if isinstance(said, dict) else said[0]
    assert {"resourceManager", "authentication", "suffixes"} <= set(one)


def test_a_secret_is_never_in_the_log(stand_in: StandIn):
    stand_in.token()
    log = stand_in.home.log.read_text()
    assert identity(stand_in.home).client_secret not in log
    assert kept_secret(stand_in.home.private / "signing-key") not in log
