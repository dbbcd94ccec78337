"""The bench's rules as validators of a Django model, asked by a dry run of django-import-export."""

import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["import_export"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
    TIME_ZONE="UTC",
)
django.setup()

import tablib
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import connection, models
from django.utils.dateparse import parse_datetime
from import_export import resources
from import_export.fields import Field
from import_export.widgets import DateTimeWidget
from phones import is_phone


def main(file: str, rules_file: str) -> None:
    """Import without writing; rows with any error are refused."""
    rules = json.loads(Path(rules_file).read_text())
    resource = _resource(rules)
    began = time.perf_counter()
    data = tablib.Dataset().load(Path(file).read_text(encoding="utf-8"), format="csv")
    result = resource.import_data(data, dry_run=True, raise_errors=False)
    refused = len(result.invalid_rows) + len(result.error_rows)
    seconds = time.perf_counter() - began
    print(json.dumps({"accepted": len(data) - refused, "seconds": seconds}))


def require_phone(text: str) -> None:
    """Raise ValidationError for what is no number."""
    if not is_phone(text):
        raise ValidationError("no phone")


def _resource(rules: dict) -> resources.ModelResource:
    fields = {}
    for name, words in rules["words"].items():
        fields[name] = models.CharField(max_length=100, choices=[(word, word) for word in words])
    for name, pattern in rules["patterns"].items():
        fields[name] = models.CharField(max_length=4000, validators=[RegexValidator(pattern)])
    bounds = [
        MinValueValidator(parse_datetime(rules["oldest"])),
        MaxValueValidator(parse_datetime(rules["latest"])),
    ]
    fields["phone"] = models.CharField(max_length=40, validators=[require_phone])
    fields["requested_at"] = models.DateTimeField(validators=bounds)
    meta = type("Meta", (), {"app_label": "import_export"})
    model = type("BenchLead", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
    with connection.schema_editor() as editor:
        editor.create_model(model)
    options = {
        "model": model,
        "fields": tuple(rules["columns"]),
        "clean_model_instances": True,
        "force_init_instance": True,
        "skip_diff": True,
        "use_transactions": True,
        "import_id_fields": (),
    }
    moment = Field("requested_at", "requested_at", DateTimeWidget("%Y-%m-%dT%H:%M:%SZ"))
    body = {"requested_at": moment, "Meta": type("Meta", (), options)}
    return type("Leads", (resources.ModelResource,), body)()


if __name__ == "__main__":
    main(*sys.argv[1:])
