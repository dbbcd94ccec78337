"""Public pages: anybody reads them, and what they say is what the program does."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.catalog.policies import QualityClass
from exchange.core.db import db
from exchange.reports import method
from exchange.reports.problems import PROBLEMS
from exchange.verification.plans import LX_08, LX_10, LX_15
from tests.cast import Cast
from tests.factories.leads import make_batch


def body(response) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


@pytest.mark.parametrize("path", ["/method", "/docs", "/docs/errors", "/styleguide"])
def test_it_opens_for_anybody(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert "<h1" in response.get_data(as_text=True)


class TestMethod:
    def test_it_prints_the_plans_that_are_run(self, client: FlaskClient) -> None:
        page = body(client.get("/method"))
        for plan in (LX_15, LX_10, LX_08):
            assert plan.name in page
            assert ", ".join(map(str, plan.looks)) in page
            assert ", ".join(map(str, plan.accept)) in page

    @pytest.mark.parametrize("grade", method.classes())
    def test_each_class_has_a_curve_with_both_promises_kept(
        self, client: FlaskClient, grade: QualityClass
    ) -> None:
        found = method.method_of(grade)
        assert found.risks.alpha <= 0.05
        assert found.risks.beta <= 0.05
        chances = [chance for _, chance in found.curve]
        assert chances == sorted(chances, reverse=True)
        assert all(bound.upper < found.limit for bound in found.bounds)
        page = body(client.get(f"/method?class={grade}"))
        assert found.plan.name in page
        assert 'class="curve"' in page

    def test_an_unknown_class_is_404(self, client: FlaskClient) -> None:
        assert client.get("/method?class=unverified").status_code == 404
        assert client.get("/method?class=nonsense").status_code == 404


class TestDocs:
    def test_every_call_of_the_api_is_described(self, app: Flask, client: FlaskClient) -> None:
        page = body(client.get("/docs"))
        document = client.get("/api/v1/openapi.json").json
        calls = [(verb, path) for path, item in document["paths"].items() for verb in item]
        verbs = {"get", "post", "patch", "put", "delete"}
        for verb, path in calls:
            if verb in verbs:
                assert f"{verb.upper()} {path}" in page

    def test_a_call_says_who_may_and_shows_a_request(self, client: FlaskClient) -> None:
        page = body(client.get("/docs"))
        section = page.split('id="post-api-v1-test-clock-advance"')[1].split("</section>")[0]
        assert "clock:move" in section
        assert "<code>seconds</code>" in section
        assert "curl -X POST" in section

    def test_the_type_of_a_problem_leads_to_its_words(self, client: FlaskClient) -> None:
        answer = client.get("/api/v1/events")
        path, _, code = answer.json["type"].partition("#")
        assert f'id="{code}"' in client.get(path).get_data(as_text=True)

    def test_every_code_has_one_anchor(self, client: FlaskClient) -> None:
        page = client.get("/docs/errors").get_data(as_text=True)
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert set(PROBLEMS) <= set(ids)


class TestSearch:
    def test_an_id_leads_to_its_page(self, client: FlaskClient, cast: Cast) -> None:
        batch = make_batch(cast.seller, leads=6)
        db.session.commit()
        cast.seller.sign_in(client)
        found = client.get(f"/search?q=%20{batch.public_id}")
        assert found.location == f"/sellers/batches/{batch.public_id}"

    def test_staff_follow_everything_through_the_log(self, client: FlaskClient, cast: Cast) -> None:
        cast.admin.sign_in(client)
        user = cast.seller.user.public_id
        assert client.get(f"/search?q={user}").location == f"/admin/events?subject={user}"

    def test_what_is_anothers_is_not_there(self, client: FlaskClient, cast: Cast) -> None:
        batch = make_batch(cast.seller, leads=6)
        db.session.commit()
        cast.other_seller.sign_in(client)
        found = client.get(f"/search?q={batch.public_id}")
        assert client.get(found.location).status_code == 404
        cast.buyer.sign_in(client)
        assert client.get(f"/search?q={batch.public_id}").status_code == 404

    @pytest.mark.parametrize("asked", ["nonsense", "batch_", "+16145550100", "<script>"])
    def test_what_is_no_id_is_said_so(self, client: FlaskClient, cast: Cast, asked: str) -> None:
        cast.seller.sign_in(client)
        response = client.get("/search", query_string={"q": asked})
        assert response.status_code == 404
        assert "Nothing is found" in body(response)
        assert "<script>" not in response.get_data(as_text=True)
