import numpy as np
import pytest
from small_text_models import check_core, classifier, probabilities_of, some_documents

from tfast.export.portable.litert import litert_runner
from tfast.export.portable.litert_text_graph import classifier_logits, litert_text_core_bytes
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.forward_backward import ForwardBackwardClassifier


@pytest.fixture(scope="module")
def model():
    return classifier(1)


@pytest.fixture
def documents():
    return some_documents()


@pytest.mark.parametrize("window", [1, 16, 64])
def test_documents_are_read_as_the_model_reads_them(window, model, documents):
    logits = classifier_logits(model, **documents, window=window)
    np.testing.assert_allclose(logits, model(documents), rtol=1e-5, atol=1e-5)
    assert np.ptp(logits, axis=0).max() > 0.1


def test_forward_and_backward_are_read_as_the_model_reads_them(model, documents):
    both = ForwardBackwardClassifier(model, classifier(2))
    logits = classifier_logits(both, **documents, window=16)
    np.testing.assert_allclose(logits, both(documents), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_written_in_float32(model, documents, policy):
    pytest.importorskip("ai_edge_litert")
    mixed = TextClassifier.from_config(model.get_config() | {"dtype": policy})
    mixed.set_weights(model.get_weights())
    assert mixed.compute_dtype != "float32"
    for one, other in (
        (mixed, model),
        *[(ForwardBackwardClassifier(m, m) for m in (mixed, model))],
    ):
        run = litert_runner(litert_text_core_bytes(one, precision="float32"))
        expected = probabilities_of(other, documents)
        np.testing.assert_allclose(run(**documents)["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("precision", "tolerance", "bytes_of_a_weight"),
    [("float32", 1e-5, 4), ("float16", 5e-3, 2), ("int8", 0.1, 1)],
)
def test_any_number_of_documents_of_any_length_is_read(
    model, precision, tolerance, bytes_of_a_weight
):
    pytest.importorskip("ai_edge_litert")
    check_core(
        "litert",
        model,
        precision=precision,
        tolerance=tolerance,
        bytes_of_a_weight=bytes_of_a_weight,
    )
