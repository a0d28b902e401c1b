"""Service information, asynchronous: the implementation of ``ServiceInformation`` too."""

from datetime import date

import httpx2

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
from darkroom.contract.kinds import Kind


class AsyncServiceInformation:
    """Base class of ``AsyncClient`` with the requests about the service itself. Errors are those of ``Client``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def styles(self, kind: Kind | str | None = None) -> tuple[StyleCard, ...]:
        """Return the styles of a kind; those of ``restyle_room`` by default."""
        query = None if kind is None else {"kind": str(kind)}
        return StyleList.model_validate(await self._api.json("GET", "/styles", query=query)).styles

    async def avatars(self) -> tuple[Avatar, ...]:
        """Return the avatars: portraits of people who do not exist, for videos and face swaps."""
        return AvatarList.model_validate(await self._api.json("GET", "/avatars")).avatars

    async def voices(self, language: str | None = None) -> tuple[Voice, ...]:
        """Return the voices that speak scripts; with a ``language`` (``en``, ``en-GB``), only those that speak it."""
        found = VoiceList.model_validate(await self._api.json("GET", "/voices")).voices
        return found if language is None else tuple(voice for voice in found if speaks(voice.language, language))

    async def enhance(
        self, prompt: str, *, kind: Kind | str = Kind.GENERATE, style: str | None = None
    ) -> EnhancedPrompt:
        """Return an enhanced prompt for a kind, made by a language model or by rules."""
        body = {"prompt": prompt, "kind": str(kind), **({} if style is None else {"style": style})}
        return EnhancedPrompt.model_validate(await self._api.json("POST", "/prompts/enhance", body=body))

    async def health(self) -> Health:
        """Return the health of table, bucket, queue and endpoint. An unhealthy service raises nothing."""
        body = await self._api.json("GET", "/health", accepted=(httpx2.codes.SERVICE_UNAVAILABLE,))
        # An unhealthy service responds with problem details, whose ``status`` is the HTTP status.
        return Health.model_validate({"ok": body.get("status") == "ok", "parts": body.get("parts", {})})

    async def services(self) -> Services:
        """Return the service status: endpoint, backlog and instances; components that do not respond are None."""
        return Services.model_validate(await self._api.json("GET", "/services"))

    async def limits(self) -> Limits:
        """Return your rate limits and the day's budget. The request itself is not counted."""
        return Limits.model_validate(await self._api.json("GET", "/limits"))

    async def stats(self, day: date | str | None = None) -> Statistics:
        """Return the statistics of a UTC day, today by default. For administrators; else ``ProblemError``
        (``forbidden``).
        """
        query = None if day is None else {"date": str(day)}
        return Statistics.model_validate(await self._api.json("GET", "/stats", query=query))

    async def cache_stats(self) -> CacheStats:
        """Return the statistics of the result cache. For administrators."""
        return CacheStats.model_validate(await self._api.json("GET", "/cache/stats"))

    async def clear_cache(self, *, max_age_days: float = 0.0) -> CacheCleared:
        """Invalidate cached results older than ``max_age_days``; 0 invalidates all. For administrators."""
        query = {"max_age_days": f"{max_age_days:g}"}
        return CacheCleared.model_validate(await self._api.json("DELETE", "/cache", query=query))


def speaks(tag: str, wanted: str) -> bool:
    """Return True if the BCP 47 ``tag`` is ``wanted``, or a variant of it.

    >>> speaks("en-GB", "en"), speaks("en-GB", "en-us")
    (True, False)
    """
    return f"{tag}-".lower().startswith(f"{wanted}-".lower())
