"""Service information: styles, voices, health, statistics and limits."""

from datetime import date

from darkroom.client.async_service_info import AsyncServiceInformation
from darkroom.client.blocking import run_blocking
from darkroom.client.reports import CacheCleared, CacheStats, Limits, Services, Statistics
from darkroom.client.responses import Avatar, EnhancedPrompt, Health, StyleCard, Voice
from darkroom.contract.kinds import Kind


class ServiceInformation:
    """Base class of ``Client`` with the requests about the service itself. Errors are those of ``Client``."""

    def __init__(self, operations: AsyncServiceInformation) -> None:
        self._service = operations

    def styles(self, kind: Kind | str | None = None) -> tuple[StyleCard, ...]:
        """Return the styles of a kind; those of ``restyle_room`` by default."""
        return run_blocking(self._service.styles(kind))

    def avatars(self) -> tuple[Avatar, ...]:
        """Return the avatars: portraits of people who do not exist, for videos and face swaps."""
        return run_blocking(self._service.avatars())

    def voices(self, language: str | None = None) -> tuple[Voice, ...]:
        """Return the voices that speak scripts; with a ``language`` (``en``, ``en-GB``), only those that speak it."""
        return run_blocking(self._service.voices(language))

    def enhance(self, prompt: str, *, kind: Kind | str = Kind.GENERATE, style: str | None = None) -> EnhancedPrompt:
        """Return an enhanced prompt for a kind, made by a language model or by rules."""
        return run_blocking(self._service.enhance(prompt, kind=kind, style=style))

    def health(self) -> Health:
        """Return the health of table, bucket, queue and endpoint. An unhealthy service raises nothing."""
        return run_blocking(self._service.health())

    def services(self) -> Services:
        """Return the service status: endpoint, backlog and instances; components that do not respond are None."""
        return run_blocking(self._service.services())

    def limits(self) -> Limits:
        """Return your rate limits and the day's budget. The request itself is not counted."""
        return run_blocking(self._service.limits())

    def stats(self, day: date | str | None = None) -> Statistics:
        """Return the statistics of a UTC day, today by default. For administrators; else ``ProblemError``
        (``forbidden``).
        """
        return run_blocking(self._service.stats(day))

    def cache_stats(self) -> CacheStats:
        """Return the statistics of the result cache. For administrators."""
        return run_blocking(self._service.cache_stats())

    def clear_cache(self, *, max_age_days: float = 0.0) -> CacheCleared:
        """Invalidate cached results older than ``max_age_days``; 0 invalidates all. For administrators."""
        return run_blocking(self._service.clear_cache(max_age_days=max_age_days))
