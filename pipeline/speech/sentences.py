"""Sentence and clause ends: the one rule by which speech, subtitles and requests to a synthesiser are split."""

import re

# What may follow a mark: closing quotes and brackets, and a dash that stands alone.
_CLOSERS = r"[\s\"'”’»›)\]}」』】）〉》–—-]*$"
# Latin, Arabic, Urdu, Han, Devanagari, Khmer, Burmese, Tibetan, Ethiopic, Armenian, Ol Chiki.
_SENTENCE_END = re.compile(r"[.!?…‥؟۔。．！？｡।॥។៕။།༎።፧։᱾᱿]" + _CLOSERS)
_CLAUSE_END = re.compile(r"(?:[,;:–—،؛、，；：､၊፣፤፥՝·]|(?:^|\s)-)" + _CLOSERS)
_OPENERS = "\"'“‘«‹([{¿¡「『【（〈《„‚- \u00a0\u202f–—"
# A full stop after these ends no sentence. Those that often end one, as "etc.", and those that are words are left out.
_ABBREVIATIONS = frozenset(
    (
        *("mr.", "mrs.", "ms.", "messrs.", "dr.", "drs.", "prof.", "rev.", "capt.", "sgt.", "lt."),
        *("st.", "mt.", "vs.", "approx.", "cf."),
        *("sr.", "sra.", "srta.", "dra.", "ud.", "uds.", "vd.", "núm."),
        *("mme.", "mlle.", "bd.", "hr.", "fr.", "frl.", "nr.", "bzw.", "vgl.", "evtl.", "ggf.", "inkl.", "zzgl."),
        *("dott.", "avv.", "dhr.", "mevr.", "bijv.", "ul.", "np.", "tzn.", "ул.", "гр."),
    )
)


def ends_sentence(word: str) -> bool:
    """Return True if a word's punctuation ends a sentence; abbreviations and initials do not.

    >>> [ends_sentence(word) for word in ("end.”", "3.5", "well,", "Mr.", "(J.", "है।")]
    [True, False, False, False, False, True]
    """
    return _SENTENCE_END.search(word) is not None and not _is_abbreviation(word)


def ends_clause(word: str) -> bool:
    """Return True if a word's punctuation ends a clause, or if a dash stands after it.

    >>> [ends_clause(word) for word in ("well,", "no —", "two-", "end.")]
    [True, True, False, False]
    """
    return _CLAUSE_END.search(word) is not None and not ends_sentence(word)


def _is_abbreviation(word: str) -> bool:
    """Return True for a listed abbreviation, and for letters that each have a full stop, as in "e.g." and "J.R.R."."""
    text = word.strip().lstrip(_OPENERS).lower()
    letters = text.split(".")
    # Only letters with case: in other scripts, a letter may be a word.
    dotted = letters[-1] == "" and all(len(each) == 1 and each != each.upper() for each in letters[:-1])
    return text in _ABBREVIATIONS or (dotted and len(letters) > 1)
