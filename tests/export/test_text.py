import concurrent.futures
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_tfidf import as_keras, scikit_learn

from tfast.export import text as export
from tfast.export.text import (
    _generate,
    export_language_model,
    export_text_classifier,
)
from tfast.text.classifier_batches import classifier_batches, restore_order
from tfast.text.documents import pad_documents
from tfast.text.models import weight_drop
from tfast.text.models.blended import BlendedClassifier
from tfast.text.models.classifier import TextClassifier
from tfast.text.models.generation import sample_words
from tfast.text.models.language_model import LanguageModel
from tfast.text.tfidf import TfidfSettings
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

TOKENIZER = TextTokenizer()
TEXTS = ["It was GREAT, truly great fun.", "", "bad " * 30, "unheard-of", "I don't know \n it's é"]
CLASSES = ["negative", "positive", "neither"]
SIZES = {"embed_size": 6, "hidden_size": 8, "num_layers": 2}
NUM_WORDS = 4

SERVE = """
import sys
import numpy as np
import tensorflow as tf
folder, texts = sys.argv[1], sys.argv[2:]
classifier = tf.saved_model.load(folder + "/classifier").signatures["serving_default"]
model = tf.saved_model.load(folder + "/language_model").signatures
one = [{k: v[0].numpy() for k, v in classifier(text=tf.constant([t])).items()} for t in texts]
hundred = classifier(text=tf.constant(texts * 20))
def generate(seed):
    return model["generate"](text=tf.constant(texts), seed=tf.constant(seed))["words"].numpy()
predicted = model["serving_default"](text=tf.constant(texts))
assert "tfast" not in sys.modules and "tensorflow_text" not in sys.modules
np.savez(
    folder + "/served.npz",
    labels=np.array([answer["labels"] for answer in one], "S"),
    probabilities=[answer["probabilities"] for answer in one],
    hundred_labels=hundred["labels"].numpy().astype("S"),
    hundred_probabilities=hundred["probabilities"],
    next_probabilities=predicted["probabilities"],
    next_words=predicted["words"].numpy().astype("S"),
    generated=np.array([generate(seed) for seed in (1, 1, 2)]).astype("S"),
)
"""


@pytest.fixture(scope="module")
def tokens():
    return TOKENIZER(tf.constant(TEXTS))


@pytest.fixture(scope="module")
def vocabulary(tokens):
    return Vocabulary.from_tokens([tokens], min_frequency=1)


@pytest.fixture(scope="module")
def documents(vocabulary, tokens):
    return vocabulary.encode_all([tokens])


@pytest.fixture(scope="module")
def models(vocabulary):
    keras.utils.set_random_seed(1)
    language_model = LanguageModel(len(vocabulary), **SIZES)
    classifier = TextClassifier(len(vocabulary), len(CLASSES), **SIZES)
    for model in (language_model, classifier):
        for weight in model.trainable_weights:
            weight.assign(6 * weight)  # so that answers differ
    # Else probabilities of 0 and 1, which say nothing of what came before.
    last = classifier.head[-1].kernel
    last.assign(last / 40)
    classifier.compile("adam", "categorical_crossentropy")
    return classifier, language_model


@pytest.fixture(scope="module")
def served(models, vocabulary, tmp_path_factory):
    """What a fresh process that imports only TensorFlow gets from both exports."""
    folder = tmp_path_factory.mktemp("served")
    classifier, language_model = models
    export_text_classifier(classifier, TOKENIZER, vocabulary, folder / "classifier", CLASSES)
    export_language_model(
        language_model,
        TOKENIZER,
        vocabulary,
        folder / "language_model",
        num_words=NUM_WORDS,
        temperature=0.5,
    )
    command = [sys.executable, "-c", SERVE, str(folder), *TEXTS]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return np.load(folder / "served.npz")


def test_served_probabilities_equal_the_python_path(served, models, documents):
    batches = classifier_batches(documents, batch_size=2, training=False)
    logits = restore_order(models[0].predict(batches, verbose=0), documents)
    expected = tf.nn.softmax(logits)
    np.testing.assert_allclose(served["probabilities"], expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.01
    labels = [CLASSES[place].encode() for place in np.argmax(expected, axis=1)]
    assert served["labels"].tolist() == labels


def test_answers_do_not_depend_on_the_batch(served):
    np.testing.assert_allclose(
        served["hundred_probabilities"], np.tile(served["probabilities"], (20, 1)), atol=1e-6
    )
    assert served["hundred_labels"].tolist() == served["labels"].tolist() * 20


def load(folder):
    loaded = tf.saved_model.load(str(folder))
    serve = loaded.signatures["serving_default"]
    serve.keep = loaded  # the signature does not keep the weights alive by itself
    return serve


def test_a_blend_answers_raw_texts_and_tfidf_as_scikit_learn_does(
    models, vocabulary, documents, tmp_path
):
    pipeline = scikit_learn(documents, [0, 1, 2, 1, 0], TfidfSettings(1, 10.0))
    tfidf = as_keras(pipeline, 3)
    answers = []
    for weight in (0, 0.4):
        blend = BlendedClassifier(models[0], tfidf, weight=weight)
        folder = tmp_path / str(weight)
        export_text_classifier(blend, TOKENIZER, vocabulary, folder, CLASSES)
        answers.append(load(folder)(text=tf.constant(TEXTS))["probabilities"])
    expected = pipeline.predict_proba(documents.to_list())
    np.testing.assert_allclose(answers[0], expected, rtol=0, atol=1e-6)
    expected = tf.nn.softmax(blend(pad_documents(documents)))
    np.testing.assert_allclose(answers[1], expected, rtol=0, atol=1e-6)
    assert abs(answers[1] - answers[0]).numpy().max() > 1e-2
    for option in ("reverse", "multi_label"):
        with pytest.raises(ValueError, match=f"{option} must be False for a BlendedClassifier"):
            export_text_classifier(
                blend, TOKENIZER, vocabulary, tmp_path / "new", CLASSES, **{option: True}
            )


@pytest.fixture(scope="module")
def limited(models, vocabulary, tmp_path_factory):
    """A classifier of several labels that reads the last five tokens."""
    folder = tmp_path_factory.mktemp("limited") / "classifier"
    options = {"max_tokens": 5, "multi_label": True}
    export_text_classifier(models[0], TOKENIZER, vocabulary, folder, CLASSES, **options)
    return load(folder)


def test_of_a_long_text_the_last_tokens_are_read_and_each_label_has_a_probability(
    limited, models, documents
):
    served = limited(text=tf.constant(TEXTS))
    assert set(served) == {"probabilities", "class_names"}
    assert served["class_names"][-1].numpy().tolist() == [name.encode() for name in CLASSES]
    logits = models[0](pad_documents(documents[:, -5:]), training=False)
    np.testing.assert_allclose(served["probabilities"], tf.nn.sigmoid(logits), atol=1e-5)
    whole = tf.nn.sigmoid(models[0](pad_documents(documents), training=False))
    assert np.abs(served["probabilities"] - whole).max() > 0.01


def test_a_request_of_no_text_is_answered_with_none(limited, models, vocabulary, tmp_path):
    for serve in (limited, _exported(models, vocabulary, tmp_path)):
        served = serve(text=tf.constant([], tf.string))
        assert served["probabilities"].shape == served["class_names"].shape == (0, 3)


def _exported(models, vocabulary, tmp_path):
    export_text_classifier(models[0], TOKENIZER, vocabulary, tmp_path / "c", CLASSES)
    return load(tmp_path / "c")


def test_threads_get_the_answers_that_one_gets(models, vocabulary, tmp_path):
    serve = _exported(models, vocabulary, tmp_path)
    requests = [[text] for text in TEXTS] + [TEXTS, TEXTS[::-1], TEXTS[2:]]

    def answer(request):
        return {name: v.numpy() for name, v in serve(text=tf.constant(request)).items()}

    expected = [answer(request) for request in requests]
    assert len({row["probabilities"][0].tobytes() for row in expected}) > 4
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, requests * 15))
    for number, given in enumerate(answers):
        for name, value in expected[number % len(requests)].items():
            np.testing.assert_array_equal(given[name], value, err_msg=name)


@pytest.mark.parametrize("max_tokens", [0, -1, 2.5, True])
def test_a_limit_that_is_no_number_of_tokens_is_named(max_tokens, models, vocabulary, tmp_path):
    with pytest.raises(ValueError, match="max_tokens must be a whole number of at least 1"):
        export_text_classifier(
            models[0], TOKENIZER, vocabulary, tmp_path / "m", CLASSES, max_tokens=max_tokens
        )


def test_served_next_words_equal_the_language_model(served, models, vocabulary, documents):
    for row, document in enumerate(documents.to_list()):
        logits, _ = models[1].next_logits(np.array([document]))
        probabilities = tf.nn.softmax(logits)[0].numpy()
        np.testing.assert_allclose(served["next_probabilities"][row], probabilities, atol=1e-5)
        best = vocabulary.words[probabilities.argmax()].encode()
        assert served["next_words"][row, 0] == best


def test_generation_repeats_itself_by_seed_alone(served, vocabulary):
    first, again, other = served["generated"]
    assert first.shape == (len(TEXTS), NUM_WORDS)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert b"xxunk" not in first
    assert {word.decode() for word in first.ravel()} <= set(vocabulary.words)


def test_cold_generation_equals_the_language_models_own(models, documents):
    inputs = pad_documents(documents)

    def draw(logits, step):
        noise = tf.random.stateless_uniform(tf.shape(logits), [0, step])
        return sample_words(logits, noise, temperature=1e-6, min_probability=0.0)

    words = _generate(models[1], inputs, 5, draw)
    for row, document in enumerate(documents.to_list()):
        expected = models[1].generate([document], 5, temperature=1e-6)
        np.testing.assert_array_equal(words[row], expected[0])


@pytest.mark.parametrize("part", [0, 1])
def test_exported_graphs_hold_no_cudnn(part, models, vocabulary, tmp_path, monkeypatch):
    monkeypatch.setattr(weight_drop, "_has_cudnn", lambda: True)
    # It traces a graph of its own, which is not saved.
    monkeypatch.setattr(export, "num_classes", lambda model: len(CLASSES))
    encoder, calls = models[part].encoder, []
    for lstm in encoder.lstms:
        monkeypatch.setattr(lstm.layer, "call", lambda *a, **k: calls.append(a))
    arguments = (models[part], TOKENIZER, vocabulary, tmp_path / "m")
    if part == 0:
        export_text_classifier(*arguments, CLASSES)
    else:
        export_language_model(*arguments)
    assert not calls
    assert {lstm.layer.use_cudnn for lstm in encoder.lstms} == {"auto"}


def test_nothing_is_written_where_the_class_names_do_not_fit(models, vocabulary, tmp_path):
    with pytest.raises(ValueError, match="got 2: \\['a', 'b'\\]"):
        export_text_classifier(models[0], TOKENIZER, vocabulary, tmp_path / "m", ["a", "b"])
    assert not list(tmp_path.iterdir())


def test_an_existing_directory_is_kept_unless_asked(models, vocabulary, tmp_path):
    (tmp_path / "precious").mkdir()
    with pytest.raises(ValueError, match="precious exists"):
        export_language_model(models[1], TOKENIZER, vocabulary, tmp_path / "precious")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(
    "options", [{"num_words": 0}, {"temperature": 0.0}, {"min_probability": 1.0}]
)
def test_generation_options_out_of_range_are_named(options, models, vocabulary, tmp_path):
    with pytest.raises(ValueError, match=next(iter(options))):
        export_language_model(models[1], TOKENIZER, vocabulary, tmp_path / "m", **options)
