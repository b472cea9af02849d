"""Words that stand for something other than themselves, and their fixed ids.

fastai's names and order, so that a model trained there finds its rows here.

Source: fastai.text.core, `UNK, PAD, BOS, EOS, FLD, TK_REP, TK_WREP, TK_UP, TK_MAJ`.
"""

UNKNOWN = "xxunk"  # a word outside the vocabulary
PADDING = "xxpad"  # after the end of a text
TEXT_START = "xxbos"
TEXT_END = "xxeos"
FIELD = "xxfld"  # a field starts; its number, from 1, follows
REPEATED_CHARACTER = "xxrep"  # the count and the character follow
REPEATED_WORD = "xxwrep"  # the count and the word follow
ALL_CAPITALS = "xxup"  # the next word was written in capitals
CAPITALIZED = "xxmaj"  # the next word began with a capital

SPECIAL_TOKENS = (
    UNKNOWN,
    PADDING,
    TEXT_START,
    TEXT_END,
    FIELD,
    REPEATED_CHARACTER,
    REPEATED_WORD,
    ALL_CAPITALS,
    CAPITALIZED,
)

# A special token's id is its index: they open every vocabulary.
UNKNOWN_ID = SPECIAL_TOKENS.index(UNKNOWN)
PADDING_ID = SPECIAL_TOKENS.index(PADDING)
