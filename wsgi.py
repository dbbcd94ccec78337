"""The application for any WSGI server: `granian --interface wsgi wsgi:app`."""

from exchange.app import create_app
from exchange.config import Settings

app = create_app(Settings.from_environment())
