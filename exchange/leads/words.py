"""What the words of a source are called, in the reader's language when they are shown."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _

from exchange.leads.source_cards import Collector, SourceChannel

CHANNELS: Final[dict[SourceChannel, str]] = {
    SourceChannel.SEARCH_ADS: _("Search ads"),
    SourceChannel.SOCIAL_ADS: _("Social ads"),
    SourceChannel.LEAD_AD_FORM: _("Form inside an ad"),
    SourceChannel.OWN_SITE: _("Own site"),
    SourceChannel.COMPARISON_SITE: _("Comparison site"),
    SourceChannel.EMAIL: _("E-mail"),
    SourceChannel.MESSENGER: _("Messenger"),
    SourceChannel.CALL_CENTER_OUTBOUND: _("Outbound call center"),
    SourceChannel.INBOUND_CALL: _("Inbound call"),
    SourceChannel.PARTNER: _("Partner"),
    SourceChannel.OTHER: _("Other"),
}
COLLECTORS: Final[dict[Collector, str]] = {
    Collector.OWN: _("The seller"),
    Collector.PARTNER: _("A partner of the seller"),
}
