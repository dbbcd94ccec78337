"""What no table can hold and no parser can read is refused at the door, never a fault of ours."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from tests.cast import Cast

LISTS = "/api/v1/suppression"
PEOPLE = ["+16142345678"]


def body(name: str) -> str:
    """A list of people under a name, with characters escaped as they were sent."""
    return f'{{"name": "{name}", "people": {json.dumps(PEOPLE)}}}'


@pytest.mark.parametrize(
    "sent",
    [
        body(r"a\u0000b"),
        body(r"\ud800"),
        body("x").replace('"x"', "9" * 5_000),
        body("x").replace('"x"', "[" * 100_000),
        body("x").replace('"x"', "1e400"),
        body("x").replace('"x"', "NaN"),
        "[" * 100_000,
        "9" * 5_000,
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
    ids=["nul", "surrogate", "digits", "deep", "infinity", "nan", "deeper", "number", "half"],
)
def test_a_body_that_cannot_be_kept_is_refused(
    cast: Cast, client: FlaskClient, sent: str | bytes
) -> None:
    headers = {**cast.seller.key("suppression:write"), "Content-Type": "application/json"}
    answer = client.post(LISTS, data=sent, headers=headers)
    assert answer.status_code in {400, 422}, answer.get_data(as_text=True)
    assert answer.json["code"] in {"malformed", "bad_request", "invalid"}


def test_a_body_is_not_read_without_end(cast: Cast, client: FlaskClient) -> None:
    people = ["+16142345678"] * 500_000
    headers = cast.seller.key("suppression:write")
    answer = client.post(LISTS, json={"name": "x", "people": people}, headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "address",
    ["/f/%00", "/posting/%00", "/api/v1/leads/in/%00", "/suppression?cursor=%00", "/sources/%00"],
)
def test_nul_in_an_address_leads_nowhere(cast: Cast, client: FlaskClient, address: str) -> None:
    cast.seller.sign_in(client)
    assert client.get(address).status_code in {400, 404, 405, 422}


def test_nul_in_a_form_is_refused(cast: Cast, client: FlaskClient) -> None:
    cast.seller.sign_in(client)
    answer = client.post("/suppression", data={"name": "a\0b", "people": PEOPLE[0]})
    assert answer.status_code == 400
