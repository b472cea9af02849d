"""Splitting words with a trained SentencePiece model, for languages other than English."""

from pathlib import Path
from typing import Any

import keras

from tfast.training.optimizers.keras_private import accept_python_values
from tfast.types import PathLike, Tensor

ASSET = "sentencepiece.model"


@keras.saving.register_keras_serializable(package="tfast")
class SentencePieceSplitter(keras.layers.Layer):
    """Words to SentencePiece's pieces; give it to `TextTokenizer` as its `splitter`.

    The model is part of what is saved: an asset inside a `.keras` file, inside the graph of a
    SavedModel. A program that loads a SavedModel must import TensorFlow Text first, or serve
    with TensorFlow Serving, which has its operations.

    Args:
        model_file: a model trained by SentencePiece. None makes a splitter without a model,
            as loading from a `.keras` file does before it brings the model.

    Call:
        words: strings `(words,)`.
        Returns ragged strings `(words, pieces)`.

    Raises:
        ImportError: TensorFlow Text is not installed.
        ValueError: `model_file` does not exist or is of another kind, or the splitter is called
            without a model.

    Source: tensorflow_text.SentencepieceTokenizer.
    Differs: fastai gives SentencePiece a whole text, which is the same unless the model was
        trained with `split_by_whitespace=false`.
    """

    def __init__(self, model_file: PathLike | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_jit = False
        accept_python_values(self)
        self._model: bytes | None = None
        if model_file is not None:
            if not Path(model_file).is_file():
                raise ValueError(f"model_file={str(model_file)!r}: there is no such file")
            self._load(Path(model_file).read_bytes())

    def call(self, words: Tensor) -> Tensor:
        """Splits; see the class."""
        self._check_model()
        return self._tokenizer.tokenize(words)

    def pieces(self) -> list[str]:
        """All pieces that the model knows, in the order of its own ids.

        Raises:
            ValueError: the splitter has no model, or one whose pieces are no text.
        """
        self._check_model()
        pieces = self._tokenizer.id_to_string(range(int(self._tokenizer.vocab_size())))
        return [piece.decode() for piece in pieces.numpy()]

    def compute_output_spec(self, words: keras.KerasTensor) -> keras.KerasTensor:
        """Ragged strings, for models of Keras's functional kind."""
        return keras.KerasTensor((words.shape[0], None), dtype="string", ragged=True)

    def get_config(self) -> dict[str, Any]:
        """No model: it travels as an asset."""
        return super().get_config()

    def save_assets(self, directory: PathLike) -> None:
        """Writes the model, when Keras saves."""
        if self._model is not None:
            (Path(directory) / ASSET).write_bytes(self._model)

    def load_assets(self, directory: PathLike) -> None:
        """Reads the model, when Keras loads."""
        file = Path(directory) / ASSET
        if file.is_file():
            self._load(file.read_bytes())

    def _check_model(self) -> None:
        if self._model is None:
            raise ValueError("SentencePieceSplitter has no model: give it a model_file")

    def _load(self, model: bytes) -> None:
        try:
            import tensorflow_text
        except ImportError as error:
            raise ImportError(
                "SentencePieceSplitter needs `pip install tensorflow-text`"
            ) from error
        import tensorflow as tf

        try:
            self._tokenizer = tensorflow_text.SentencepieceTokenizer(model, out_type=tf.string)
        except tf.errors.OpError:
            raise ValueError("model_file must be a model of SentencePiece's, got another") from None
        self._model = model
