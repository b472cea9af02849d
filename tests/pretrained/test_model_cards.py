import json

import pytest

from tfast.pretrained.model_cards import ModelCard
from tfast.pretrained.records import Provenance

BASE = Provenance("somewhere", "c0ffee", {"a.pth": "00ff"}, "apache-2.0", 0.7)


def card(**changes):
    settings = {"title": "Film reviews", "data": "IMDb\nmore", "licence": "mit"}
    return ModelCard(**(settings | changes))


def header_of(text):
    """The YAML between the lines, which here is a JSON value a line."""
    lines = text.split("---\n")[1].strip().split("\n")
    values = {}
    for line in lines:
        name, _, value = line.partition(": ")
        values[name] = json.loads(value) if value[0] in '"[{' else value
    return values


def test_the_header_is_what_the_hub_reads():
    measured = {"accuracy": 0.91, "baseline": 0.88, "baseline_name": "TF-IDF", "language": "en"}
    header = header_of(card(**measured).text("text", {"model.keras": "00"}))
    assert header["license"] == "mit"
    assert header["pipeline_tag"] == "text-classification"
    assert header["language"] == "en"
    (result,) = header["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.91}]
    assert result["dataset"] == {"name": "IMDb", "type": "imdb"}


def test_a_result_stands_beside_its_baseline():
    text = card(accuracy=0.91, baseline=0.88, baseline_name="TF-IDF").text("text", {})
    assert "| this model | 91.00% |\n| TF-IDF | 88.00% |" in text
    text = card(perplexity=47.25).text("language_model", {})
    assert "| this model | 47.25 |" in text
    assert "No baseline was measured" in text
    assert "Nobody has measured it." in card().text("image", {})


def test_files_and_origin_are_listed_with_their_hashes():
    text = card(started_from=BASE).text("image", {"b": "22", "a": "11"}, class_names=["x", "y"])
    assert "| `a` | `11` |\n| `b` | `22` |" in text
    assert "began with somewhere at revision c0ffee, licence apache-2.0" in text
    assert "| `a.pth` | `00ff` |" in text
    assert "It knows 2 classes: x, y." in text
    assert 'load("hf://OWNER/film-reviews"' in text


def test_an_unknown_licence_is_said_to_be_unknown():
    text = card(licence=None).text("image", {})
    assert header_of(text)["license"] == "unknown"
    assert "Licence of the weights: not recorded." in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": " "}, "title must be a text"),
        ({"data": ""}, "data must be a text"),
        ({"accuracy": 91}, r"accuracy must be a number in \[0, 1\], got 91"),
        ({"perplexity": 0}, "perplexity must be a finite number above 0"),
        ({"perplexity": 3, "accuracy": 0.5}, "perplexity must be None beside accuracy"),
        ({"baseline": 0.5, "accuracy": 0.5}, "baseline must have a name"),
        ({"baseline": 0.5, "baseline_name": "x"}, "baseline must stand beside a result"),
    ],
)
def test_what_says_nothing_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        card(**changes)
