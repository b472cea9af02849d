"""What a callback attaches to a model or an optimizer for the length of one `fit`."""

from typing import Any

import keras

from tfast.training.optimizers.untracked import Undo, wrap_method


def attached_until_next_fit(model: keras.Model, undo: Undo) -> Undo:
    """Sees to it that something attached is taken back before another `fit` takes a step.

    A `fit` that ends calls `on_train_end`, where the callback calls what this returns. A `fit`
    that breaks (an exception, Ctrl-C) tells its callbacks nothing; then the next one begins with
    it. Keras knows no better moment: https://github.com/keras-team/keras/issues/21771

    Args:
        model: the model whose `fit` is about to run.
        undo: takes back what was attached.

    Returns:
        A function that does the same, once, however often it is called.
    """
    # Each fit brings a History of its own. `resumable_fit` keeps one over two fits, and what
    # is attached over both.
    history = getattr(model, "history", None)
    attached = True

    def detach() -> None:
        nonlocal attached
        if attached:
            attached = False
            unwrap()
            undo()

    # Every fit calls it before the first step.
    def make_train_function(method: Any, force: bool = False) -> Any:
        if getattr(model, "history", None) is not history:
            detach()
        return method(force=force)

    unwrap = wrap_method(model, "make_train_function", make_train_function)
    return detach
