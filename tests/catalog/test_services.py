"""Publishing verticals: versions are added, none is edited, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from exchange.catalog import queries
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import CallScript, LeadSchema, VerticalStatus, VerticalTerms
from exchange.catalog.schemas import load_preset, preset_codes
from exchange.catalog.services import pause_vertical, publish_vertical, resume_vertical
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, IllegalTransition, Invalid, NotFound
from exchange.core.events import Event

pytestmark = pytest.mark.usefixtures("app")
CODE = "mortgage_es"


@pytest.fixture
def definition(app: Flask) -> VerticalDefinition:
    definition = load_preset(CODE)
    publish_vertical(definition=definition, actor=SYSTEM)
    return definition


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def published() -> list[list[str]]:
    found = db.session.scalars(
        select(Event.facts).where(Event.type == "vertical.published").order_by(Event.id)
    )
    return [facts["changed"] for facts in found]


class TestPublishVertical:
    def test_every_preset_can_be_published_and_read_back(self):
        for code in preset_codes():
            definition = load_preset(code)
            vertical = publish_vertical(definition=definition, actor=SYSTEM)
            db.session.expire_all()
            assert queries.get_definition(vertical) == definition
        assert [vertical.code for vertical in queries.verticals()] == preset_codes()

    def test_a_new_vertical_has_first_versions_of_all_parts(self, definition):
        vertical = queries.get_vertical(CODE)
        assert (vertical.schema_version, vertical.terms_version) == (1, 1)
        assert [(s.language, s.version) for s in queries.scripts(vertical)] == [
            ("es", 1),
            ("en", 1),
        ]
        assert published() == [["schema", "terms", "script_es", "script_en"]]

    def test_publishing_the_same_again_changes_nothing(self, definition):
        before = [count(model) for model in (LeadSchema, VerticalTerms, CallScript, Event)]
        publish_vertical(definition=definition, actor=SYSTEM)
        assert [count(model) for model in (LeadSchema, VerticalTerms, CallScript, Event)] == before

    def test_changed_fields_become_a_new_version_and_the_old_one_stays(self, definition):
        fewer = LeadFields(tuple(s for s in definition.fields.specs if s.name != "savings"))
        publish_vertical(definition=replace(definition, fields=fewer), actor=SYSTEM)
        vertical = queries.get_vertical(CODE)
        assert (vertical.schema_version, vertical.terms_version) == (2, 1)
        assert queries.get_schema(vertical).fields == fewer
        assert queries.get_schema(vertical, version=1).fields == definition.fields
        assert published()[-1] == ["schema"]

    def test_changed_terms_become_a_new_version_and_the_old_one_stays(self, definition):
        longer = replace(definition.terms, return_window_hours=168)
        publish_vertical(definition=replace(definition, terms=longer), actor=SYSTEM)
        vertical = queries.get_vertical(CODE)
        assert queries.get_terms(vertical).return_window_hours == 168
        assert queries.get_terms(vertical, version=1) == definition.terms
        assert published()[-1] == ["terms"]

    def test_a_changed_script_becomes_a_new_version_of_its_language_alone(self, definition):
        spanish, english = definition.scripts
        first = replace(english.lines[0], text="Hello, {name}.")
        changed = replace(english, lines=(first, *english.lines[1:]))
        publish_vertical(definition=replace(definition, scripts=(spanish, changed)), actor=SYSTEM)
        vertical = queries.get_vertical(CODE)
        assert queries.get_script(vertical, language="en").script == changed
        assert queries.get_script(vertical, language="en").version == 2
        assert queries.get_script(vertical).version == 1
        assert published()[-1] == ["script_en"]

    def test_returning_to_a_former_version_is_a_new_version(self, definition):
        longer = replace(definition.terms, return_window_hours=168)
        publish_vertical(definition=replace(definition, terms=longer), actor=SYSTEM)
        publish_vertical(definition=definition, actor=SYSTEM)
        vertical = queries.get_vertical(CODE)
        assert vertical.terms_version == 3
        assert queries.get_terms(vertical) == definition.terms

    def test_a_vertical_does_not_move(self, definition):
        with pytest.raises(Conflict) as caught:
            publish_vertical(
                definition=replace(definition, time_zone="Atlantic/Canary"), actor=SYSTEM
            )
        assert caught.value.code == "vertical_fixed"

    def test_a_contradiction_is_refused_before_anything_is_written(self):
        definition = load_preset(CODE)
        with pytest.raises(Invalid):
            publish_vertical(definition=replace(definition, scripts=()), actor=SYSTEM)
        assert queries.find_vertical(CODE) is None


class TestPauseVertical:
    def test_a_paused_vertical_is_not_listed_and_keeps_what_it_has(self, definition):
        vertical = pause_vertical(code=CODE, reason="prices under review", actor=SYSTEM)
        assert vertical.status is VerticalStatus.PAUSED
        assert queries.verticals() == []
        assert queries.verticals(with_paused=True) == [vertical]
        assert queries.get_definition(vertical) == definition

    def test_pausing_twice_is_refused(self, definition):
        pause_vertical(code=CODE, reason="", actor=SYSTEM)
        with pytest.raises(IllegalTransition):
            pause_vertical(code=CODE, reason="", actor=SYSTEM)

    def test_it_trades_again_when_resumed(self, definition):
        pause_vertical(code=CODE, reason="", actor=SYSTEM)
        assert resume_vertical(code=CODE, actor=SYSTEM).status is VerticalStatus.ACTIVE

    def test_an_unknown_vertical_is_not_found(self):
        with pytest.raises(NotFound):
            pause_vertical(code="moon_travel", reason="", actor=SYSTEM)


class TestQueries:
    def test_a_language_without_a_script_gets_the_vertical_s_own(self, definition):
        vertical = queries.get_vertical(CODE)
        assert queries.get_script(vertical, language="ms").language == "es"

    def test_a_version_that_never_was_is_not_found(self, definition):
        vertical = queries.get_vertical(CODE)
        for ask in (queries.get_schema, queries.get_terms):
            with pytest.raises(NotFound):
                ask(vertical, version=7)
