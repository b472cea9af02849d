"""How many words and classes a text model knows, of whatever kind it is."""

import keras


def vocabulary_size(model: keras.Model) -> int | None:
    """The number of token ids of a model of tfast's; None of another model.

    Examples:
        >>> from tfast.text.models.tfidf import TfidfClassifier
        >>> vocabulary_size(TfidfClassifier(50, 2, 3))
        50
    """
    model = getattr(model, "classifier", model)  # of a blend
    model = getattr(model, "forward", model)
    model = getattr(model, "encoder", model)
    size: int | None = getattr(model, "settings", {}).get("vocab_size")
    return size


def num_classes(model: keras.Model) -> int:
    """The width of what a classifier of texts returns.

    Examples:
        >>> from tfast.text.models.tfidf import TfidfClassifier
        >>> num_classes(TfidfClassifier(50, 2, 3))
        2
    """
    inputs = {
        "token_ids": keras.KerasTensor((None, None), "int32"),
        "lengths": keras.KerasTensor((None,), "int32"),
    }
    width: int = model.compute_output_spec(inputs).shape[-1]
    return width
