"""Whether texts are in the language of a list of words."""

import re
from collections.abc import Collection, Iterable

# Shorter ones tell nothing: French and German texts are full of "in", "de" and "die", which
# English vocabularies know from names.
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")


def known_share(texts: Iterable[str], words: Collection[str]) -> float:
    """How many of the words of four letters and more are among those of a vocabulary.

    Of draws of 50 English texts `tfast/english` knows 0.74 (one-line descriptions of software) to
    0.95 (film reviews, tweets); of such descriptions in 16 other languages 0.43 at most (French;
    Italian 0.36), of other scripts next to nothing.

    Args:
        texts: strings; some hundred words are enough.
        words: a set, in lower case.

    Returns:
        From 0 to 1; 0 where there are no such words.

    Examples:
        >>> known_share(["Die Handlung is GOOD, but long."], {"good", "long", "die"})
        0.6666666666666666
    """
    known = number = 0
    for text in texts:
        found = _LONG_WORD.findall(text.lower())
        number += len(found)
        known += sum(word in words for word in found)
    return known / max(number, 1)
