"""A trained model as a portable folder, from what its run has left."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tfast.arguments import whole_number
from tfast.files import refuse_existing
from tfast.recipes import checks
from tfast.recipes.errors import input_errors
from tfast.recipes.recipe import Recipe, setting
from tfast.types import PathLike

if TYPE_CHECKING:
    import keras

    from tfast.recipes.served import Served


@dataclasses.dataclass(frozen=True, kw_only=True)
class PortableExport(Recipe):
    """Writes the model of a run as a folder that is served without TensorFlow.

    Raises:
        ValueError: a setting is not what its line says.

    Examples:
        >>> PortableExport(model="runs/reviews").file_format
        'onnx'
    """

    model: Path = setting(
        None,
        checks.path,
        "folder of a run of train-images or train-ulmfit, or of a classifier from import-fastai",
        metavar="DIR",
    )
    file_format: Literal["onnx", "litert"] = setting(
        "onnx", checks.choice_of(("onnx", "litert")), "onnx, which runs faster, or litert"
    )
    precision: Literal["float32", "float16", "int8"] = setting(
        "float32",
        checks.choice_of(("float32", "float16", "int8")),
        "of the weights: float32; float16, half the size; int8, a quarter of it and by far the "
        "fastest",
    )
    examples: Path | None = setting(
        None,
        checks.or_none(checks.path),
        "texts (a table with a column text, a .txt file, a folder of them; the first are used) or "
        "a folder of images, to compare the answers on and to measure the ranges of int8; "
        "without it some that the run was tested on. Five of them are kept in the folder",
    )
    max_tokens: int | None = setting(
        None,
        checks.or_none(whole_number),
        "of a longer text only the last ones are read, so that one request cannot keep a server "
        "busy",
    )

    def run(self, output: PathLike, *, overwrite: bool = False) -> float:
        """Exports, reads the folder again, and compares its answers with the model's.

        Args:
            output: the folder to write, whole or not at all.
            overwrite: whether it may be replaced.

        Returns:
            The largest difference of a probability that was found.

        Raises:
            InputError: the folder exists, `model` is no folder that can be exported, examples are
                missing, a package is not installed, or the answers differ too much.
        """
        with input_errors():
            refuse_existing(output, overwrite=overwrite)
            if Path(output).resolve() in (self.model.resolve(), *self.model.resolve().parents):
                raise ValueError(f"output must be another folder than model, got {output}")
            from tfast.recipes.served import Served
            from tfast.saving import load_model

            served = Served.read(self.model)
            if self.max_tokens is not None and served.kind != "text":
                raise ValueError("max_tokens must be left out for images")
            examples = self._examples(served)
            file = self.model / served.model
            if not file.is_file():
                raise ValueError(f"model must be a folder with {served.model}, got {self.model}")
            model = load_model(file, compile=False)
            print(
                f"{file}: {model.count_params():,} parameters, {len(served.class_names)} classes; "
                f"{len(examples) or 'no'} examples of {served.kind}s"
            )
            export = self._export_text if served.kind == "text" else self._export_images
            return export(
                model,
                served,
                directory=output,
                class_names=served.class_names,
                file_format=self.file_format,
                precision=self.precision,
                examples=examples or None,
                overwrite=overwrite,
            )

    def _examples(self, served: "Served") -> Sequence[str]:
        from tfast.data.folders import files_below
        from tfast.recipes.served import MOST_TEXTS
        from tfast.text.texts import read_unlabelled

        if self.examples is None:
            if served.kind == "text":
                return served.examples
            left = [path for path in served.examples if Path(path).is_file()]
            # LiteRT does without.
            if self.precision == "int8" and self.file_format == "onnx" and len(left) < 2:
                raise ValueError(
                    f"examples must be images to measure the ranges of int8 on: {self.model} names "
                    f"{len(served.examples)}, of which {len(left)} are there"
                )
            return left
        if not self.examples.exists():
            raise ValueError(f"examples must be a file or folder, got {self.examples}")
        if served.kind == "text":
            return read_unlabelled(self.examples).texts[:MOST_TEXTS]
        if self.examples.is_file():
            return (str(self.examples),)
        paths, _ = files_below(self.examples)
        if not paths:
            raise ValueError(f"examples must be a folder of images, got {self.examples}")
        return paths

    def _export_text(self, model: "keras.Model", served: "Served", **options: Any) -> float:
        from tfast.export import export_portable_text_classifier
        from tfast.text.tokenization.tokenizer_files import load_tokenizer
        from tfast.text.vocabulary import Vocabulary

        tokenizer = load_tokenizer(self.model)
        if tokenizer.splitter != "english":
            raise ValueError(
                f"model must be of texts that are split as English, got {self.model}, which splits "
                "them by SentencePiece: serve its saved_model"
            )
        vocabulary = Vocabulary.load(self.model / "vocabulary.txt")
        options |= {"tokenizer": tokenizer, "vocabulary": vocabulary}
        return export_portable_text_classifier(model, max_tokens=self.max_tokens, **options)

    def _export_images(self, model: "keras.Model", served: "Served", **options: Any) -> float:
        from tfast.export import export_portable_image_classifier
        from tfast.pretrained.keras_files import read_preprocessing
        from tfast.recipes.image_recipe import preprocessing_beside

        options |= {
            "preprocessing": read_preprocessing(preprocessing_beside(self.model / served.model)),
            "image_size": served.image_size,
            "from_logits": True,
        }
        return export_portable_image_classifier(model, **options)
