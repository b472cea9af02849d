"""The end of a ULMFiT run: its classifier blended with TF-IDF, by texts left out of both."""

import dataclasses
import time

import keras
import numpy as np

from tfast.recipes.baselines import Baseline, predict, predict_left_out, refit
from tfast.recipes.results import write_model
from tfast.recipes.ulmfit_preparation import PreparedTexts, labelled
from tfast.recipes.ulmfit_training import TrainedTexts
from tfast.text.blending import Blend, fit_blend
from tfast.text.logistic_regression import can_be_left_out, log_softmax
from tfast.text.models.blended import BlendedClassifier


@dataclasses.dataclass(frozen=True)
class BlendedTexts:
    """What the classifiers of a run say to its test texts, and which of them is exported.

    Attributes:
        served: the `BlendedClassifier`, or the classifier alone.
        file: the name of its file in the folder of the run.
        probabilities: of the test texts, float64 `(texts, classes)`, by the name of the classifier:
            "ulmfit" and, with a baseline, "tfidf" and "blend".
        blend: weight and sharpness; None without a baseline.
        seconds: that finding both took.
    """

    served: keras.Model
    file: str
    probabilities: dict[str, np.ndarray]
    blend: Blend | None
    seconds: float

    @property
    def served_probabilities(self) -> np.ndarray:
        """Those of the classifier that is exported."""
        name = "blend" if isinstance(self.served, BlendedClassifier) else "ulmfit"
        return self.probabilities[name]


def blend_with_baseline(prepared: PreparedTexts, trained: TrainedTexts) -> BlendedTexts:
    """Weighs ULMFiT and TF-IDF, and lets all answer the test texts.

    They are weighed by the validation texts; by all labelled texts, each left out once, where the
    classifier tells that. TF-IDF is then fitted again, to training and validation texts together.
    With a baseline and the setting `blend` it leaves `blended_classifier.keras`; without, of both
    directions, `forward_backward_classifier.keras`.
    """
    begin = time.monotonic()
    baseline, blend, tfidf = trained.baseline, None, None
    if baseline is not None:
        blend = fit_blend(*_judge(prepared, trained, baseline))
        tfidf = refit(prepared, baseline)
    seconds = round(time.monotonic() - begin, 1)
    print("\nTesting")
    answers = predict(prepared, trained.model, "test", show_progress=True)
    logarithms = {"ulmfit": log_softmax(answers)}
    served, file = trained.model, "classifier.keras"
    if tfidf is not None and blend is not None:
        logarithms["tfidf"] = log_softmax(predict(prepared, tfidf, "test"))
        logarithms["blend"] = log_softmax(
            blend.sharpness
            * (blend.weight * logarithms["ulmfit"] + (1 - blend.weight) * logarithms["tfidf"])
        )
        if prepared.recipe.blend:
            numbers = {"weight": blend.weight, "sharpness": blend.sharpness}
            served = BlendedClassifier(trained.model, tfidf, **numbers)
            file = "blended_classifier.keras"
    if served is trained.model and prepared.recipe.backward:
        file = "forward_backward_classifier.keras"
    if file != "classifier.keras":  # which the training has left
        write_model(prepared.output / file, served)
    probabilities = {name: np.exp(some) for name, some in logarithms.items()}
    return BlendedTexts(served, file, probabilities, blend, seconds)


def _judge(
    prepared: PreparedTexts, trained: TrainedTexts, baseline: Baseline
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What ULMFiT and TF-IDF say to texts whose labels they do not know, and the right classes."""
    if trained.left_out is not None:
        _, label_ids = labelled(prepared, ("train", "valid"))
        judged = can_be_left_out(label_ids)
        left_out = trained.left_out, predict_left_out(prepared, baseline)
        return left_out[0][judged], left_out[1][judged], label_ids[judged]
    _, label_ids = labelled(prepared, ("valid",))
    return (
        predict(prepared, trained.model, "valid"),
        predict(prepared, baseline.model, "valid"),
        label_ids,
    )
