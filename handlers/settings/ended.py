"""Settings of ``handlers.ended``."""

from handlers.settings.prices import PriceSettings


class EndedSettings(PriceSettings):
    """Settings of ``handlers.ended``."""

    ledger_table: str
    bucket: str
    event_bus: str
    dead_letter_queue_url: str
