"""What tokens become as they are read: strings, or the ids of a vocabulary."""

import array
import itertools
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

Tokens = TypeVar("Tokens", bound=Container[Any])


class Form(NamedTuple, Generic[Tokens]):
    """How a `Tokenizer` holds tokens."""

    of_tokens: Callable[[Sequence[str]], Tokens]
    join: Callable[[Iterable[Tokens]], Tokens]
    odd: Tokens  # for a word that cannot be read alone
    is_odd: Callable[[Any], bool]  # whether some tokens have these among them


AS_LIST: Form[Any] = Form(
    of_tokens=tuple,
    join=lambda parts: list(itertools.chain.from_iterable(parts)),
    odd=(None,),
    is_odd=lambda tokens: None in tokens,
)

_NO_ID = b"\xff\xff\xff\xff"  # -1


def as_ids(ids: dict[str, int], unknown_id: int) -> Form[bytes]:
    """Ids, int32 one after the other in bytes: they are joined in no time.

    Args:
        ids: tokens to their ids, at least 0 and less than 2 ** 24.
        unknown_id: of all other tokens.
    """

    def of_tokens(tokens: Sequence[str]) -> bytes:
        return array.array("i", [ids.get(token, unknown_id) for token in tokens]).tobytes()

    # The highest byte of an id is 0: four bytes of 255 are nowhere else.
    return Form(of_tokens=of_tokens, join=b"".join, odd=_NO_ID, is_odd=lambda ids: _NO_ID in ids)
