"""Attributes and methods of one object, set so that Keras neither tracks nor saves them.

They are set through `vars`, past Keras's `__setattr__`, which takes what it sees for new state:
of the optimizer, to be saved, or of the layer, to be trained.
"""

import functools
from collections.abc import Callable
from typing import Any

Undo = Callable[[], None]


def set_untracked(owner: Any, name: str, value: Any) -> Undo:
    """Sets an attribute of one object that Keras neither tracks nor saves.

    Returns:
        A function that puts back what was there.
    """
    had, before = name in vars(owner), vars(owner).get(name)
    vars(owner)[name] = value

    def undo() -> None:
        if had:
            vars(owner)[name] = before
        else:
            vars(owner).pop(name, None)

    return undo


def wrap_method(owner: Any, name: str, wrapper: Callable[..., Any]) -> Undo:
    """Puts a function around a method of one object. Undone in any order, by several users.

    Args:
        owner: a model, a layer or an optimizer.
        name: the method's.
        wrapper: called as `wrapper(method, *arguments, **options)`; a wrapper that comes later
            is called first, and has this one for its method.

    Returns:
        A function that takes this wrapper away.
    """
    wrapped = vars(owner).get(name)
    if not isinstance(wrapped, _WrappedMethod):
        wrapped = _WrappedMethod(owner, name)
    wrapped.wrappers.append(wrapper)
    return functools.partial(wrapped.remove, wrapper)


class _WrappedMethod:
    def __init__(self, owner: Any, name: str) -> None:
        self.method = getattr(owner, name)
        self.wrappers: list[Callable[..., Any]] = []
        self.put_back = set_untracked(owner, name, self)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        method = self.method
        for wrapper in self.wrappers:
            method = functools.partial(wrapper, method)
        return method(*arguments, **options)

    def remove(self, wrapper: Callable[..., Any]) -> None:
        if wrapper in self.wrappers:
            self.wrappers.remove(wrapper)
            if not self.wrappers:
                self.put_back()
