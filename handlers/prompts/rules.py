"""Rule-based prompt enhancement: adds words for light, lens, composition and detail that fit the prompt.

The words are data in ``rules.toml``. It is deterministic and stateless.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from darkroom.contract.kinds import Kind
from darkroom.contract.picture_styles import picture_styles
from darkroom.contract.styles import styles

PROMPTS_FILE = Path(__file__).with_name("rules.toml")
MAX_CHARACTERS = 500  # the contract's limit
MAX_TOKENS = 75  # CLIP's text encoders read 77, including start and end token

PromptAspect = Literal["light", "lens", "composition", "detail", "palette"]


def _words(text: str) -> set[str]:
    """Return the words of a text in lower case, each without its plural s.

    >>> sorted(_words("Two dogs, wide-angle"))
    ['angle', 'dog', 'two', 'wide']
    """
    return {_singular(word) for word in re.findall(r"[^\W_]+", text.casefold())}


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


WordSet = Annotated[frozenset[str], BeforeValidator(lambda given: {_singular(word) for word in given})]


class Family(BaseModel):
    """A group of subjects with common phrases for each aspect, the best first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: WordSet
    light: tuple[str, ...] = ()
    lens: tuple[str, ...] = ()
    composition: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()

    def phrases(self, aspect: PromptAspect) -> tuple[str, ...]:
        """Return the phrases for one aspect."""
        found: tuple[str, ...] = getattr(self, aspect)
        return found


class EnhancementRules(BaseModel):
    """Contents of ``rules.toml``: ``aspects`` are words that already cover an aspect, ``drawn`` words that exclude a
    photograph.

    Raises ``ValidationError`` for a phrase that does not cover its own aspect or that names a subject: enhancing twice
    would then change the prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    drawn: WordSet
    aspects: dict[PromptAspect, WordSet]
    kinds: dict[Kind, tuple[PromptAspect, ...]]
    families: dict[str, Family] = Field(min_length=2)

    @model_validator(mode="after")
    def _phrases_settle_their_aspect_and_nothing_else(self) -> Self:
        deciding = self.drawn.union(*(family.subjects for family in self.families.values()))
        for family in self.families.values():
            for aspect, said in self.aspects.items():
                for phrase in family.phrases(aspect):
                    words = _words(phrase)
                    if not words & said or words & deciding:
                        raise ValueError(f"the phrase {phrase!r} for {aspect} does not say it, or names a subject")
        return self

    def family(self, text: str, context: str) -> Family:
        """Return the family of the first subject in ``text``, or that of drawings, if ``text`` or ``context`` names
        one.
        """
        if self.drawn & _words(f"{text} {context}"):
            return self.families["drawn"]
        for word in re.findall(r"[^\W_]+", text.casefold()):
            for family in self.families.values():
                if _singular(word) in family.subjects:
                    return family
        return self.families["other"]


@cache
def enhancement_rules() -> EnhancementRules:
    """Return the rules. Raises ``ValidationError`` when the file is invalid."""
    return EnhancementRules.model_validate(tomllib.loads(PROMPTS_FILE.read_text("utf-8")))


def enhance(prompt: str, kind: Kind = Kind.GENERATE, style: str | None = None) -> str:
    """Return the prompt, stripped, followed by phrases for the aspects that it does not cover.

    Adds no word that prompt or style already have, and stays within 500 characters and about CLIP's token limit.
    Enhancing twice changes nothing. ``style`` is one of the kind's own; raises ``ValueError`` for others. An empty
    prompt is returned empty; a prompt of a kind without rules is only stripped.

    >>> enhance("a red fox in the snow")
    'a red fox in the snow, 200mm telephoto, eye-level framing, lifelike texture'
    >>> enhance("a fox", style="watercolour")
    'a fox, balanced composition, harmonious palette'
    """
    text = prompt.strip()
    if not text:
        return text
    context, avoided = _style(kind, style)
    known = enhancement_rules()
    family = known.families["room"] if kind is Kind.RESTYLE_ROOM else known.family(text, context)
    for aspect in known.kinds.get(kind, ()):
        there = _words(f"{text} {context}")
        if there & known.aspects[aspect]:
            continue
        for phrase in family.phrases(aspect):
            longer = f"{text}{'' if text[-1] in ',;:.!?' else ','} {phrase}"
            fits = len(longer) <= MAX_CHARACTERS and _tokens(f"{longer} {context}") <= MAX_TOKENS
            if fits and not _words(phrase) & (there | _words(avoided)):
                text = longer
                break
    return text


def _style(kind: Kind, style: str | None) -> tuple[str, str]:
    """Return the words that a style adds to the prompt, and those of its negative prompt."""
    if style is None:
        return "", ""
    if kind is Kind.RESTYLE_ROOM and style in styles():
        return f"interior photograph of a room, {styles()[style].prompt}", ""
    if kind is Kind.GENERATE and style in picture_styles():
        chosen = picture_styles()[style]
        return chosen.prompt.replace("{prompt}", ""), chosen.negative_prompt
    raise ValueError(f"{style!r} is no style of {kind}")


def _tokens(text: str) -> int:
    """Estimate the number of CLIP tokens of a text, rather too high.

    >>> _tokens("a red fox, 85mm")
    7
    """
    runs = re.findall(r"[a-z]+|\d|[^\sa-z\d]", text.casefold())
    return sum(-(-len(run) // 8) if run.isascii() else len(run.encode()) for run in runs)
