"""What the service says besides jobs and pictures: what it knows, how it is, what it did, what it costs."""

from datetime import date

import httpx

from darkroom.client.api import Api
from darkroom.client.reports import CacheCleared, CacheStats, Limits, Services, Statistics
from darkroom.client.responses import (
    Avatar,
    AvatarList,
    EnhancedPrompt,
    Health,
    StyleCard,
    StyleList,
    Voice,
    VoiceList,
)
from darkroom.contract.requests import Kind


class ServiceInformation:
    """The part of ``Client`` that asks the service about itself. Errors are those of ``Client``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def styles(self, kind: Kind | str | None = None) -> tuple[StyleCard, ...]:
        """The styles that this deployment knows for a kind; those of rooms when it is left out."""
        query = None if kind is None else {"kind": str(kind)}
        return StyleList.model_validate(self._api.json("GET", "/styles", query=query)).styles

    def avatars(self) -> tuple[Avatar, ...]:
        """Portraits of nobody, to speak in videos and to try face swaps on."""
        return AvatarList.model_validate(self._api.json("GET", "/avatars")).avatars

    def voices(self, language: str | None = None) -> tuple[Voice, ...]:
        """The voices that say scripts; with a ``language`` (``en``, ``en-GB``), those that speak it."""
        found = VoiceList.model_validate(self._api.json("GET", "/voices")).voices
        return found if language is None else tuple(voice for voice in found if speaks(voice.language, language))

    def enhance(self, prompt: str, *, kind: Kind | str = Kind.GENERATE, style: str | None = None) -> EnhancedPrompt:
        """A better prompt for a kind, made of ``prompt`` by a language model or by rules."""
        body = {"prompt": prompt, "kind": str(kind), **({} if style is None else {"style": style})}
        return EnhancedPrompt.model_validate(self._api.json("POST", "/prompts/enhance", body=body))

    def health(self) -> Health:
        """How the table, the bucket, the queue and the endpoint are. An unhealthy answer is no exception."""
        body = self._api.json("GET", "/health", accepted=(httpx.codes.SERVICE_UNAVAILABLE,))
        # An unhealthy service answers with problem details, whose own status is the number of the answer.
        return Health.model_validate({"ok": body.get("status") == "ok", "parts": body.get("parts", {})})

    def services(self) -> Services:
        """The endpoint, what waits for it, and what its instances hold; what does not answer is None."""
        return Services.model_validate(self._api.json("GET", "/services"))

    def limits(self) -> Limits:
        """Where you stand: rate limits and the day's budget. Asking counts for nothing."""
        return Limits.model_validate(self._api.json("GET", "/limits"))

    def stats(self, day: date | str | None = None) -> Statistics:
        """A UTC day's jobs, today's when left out. For administrators: ``ProblemError`` (``forbidden``) for others."""
        query = None if day is None else {"date": str(day)}
        return Statistics.model_validate(self._api.json("GET", "/stats", query=query))

    def cache_stats(self) -> CacheStats:
        """How much the result cache helps. For administrators."""
        return CacheStats.model_validate(self._api.json("GET", "/cache/stats"))

    def clear_cache(self, *, max_age_days: float = 0.0) -> CacheCleared:
        """Have no result older than this taken for another job any more, with 0 none at all. For administrators."""
        query = {"max_age_days": f"{max_age_days:g}"}
        return CacheCleared.model_validate(self._api.json("DELETE", "/cache", query=query))


def speaks(tag: str, wanted: str) -> bool:
    """Whether the BCP 47 ``tag`` is ``wanted``, or one of its kinds.

    >>> speaks("en-GB", "en"), speaks("en-GB", "en-us")
    (True, False)
    """
    return f"{tag}-".lower().startswith(f"{wanted}-".lower())
