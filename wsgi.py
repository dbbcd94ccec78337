"""The application for any WSGI server: `granian --interface wsgi wsgi:app`."""

from exchange.app import create_app
from exchange.config import Settings
from exchange.market.counting import keep_counting

app = create_app(Settings.from_environment())
keep_counting(app)
