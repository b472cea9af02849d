import html
import html.entities

import tensorflow as tf

from tfast.text.tokenization.html_references import unescape_html


def apply(rule, *texts):
    return [text.decode() for text in rule(tf.constant(texts, tf.string)).numpy()]


def test_every_name_of_html5_is_known():
    names = list(html.entities.html5)
    texts = [f"a&{name}b" for name in names] + [f"&{name.rstrip(';')}zz" for name in names]
    assert apply(unescape_html, *texts) == [html.unescape(text) for text in texts]


def test_numbers_of_characters_mean_what_html_says():
    points = [*range(0x180), 0xD7FF, 0xD800, 0xDFFF, 0xFDD0, 0xFFFE, 0x1F600, 0x10FFFF, 0x110000]
    points += [10**8, 10**12]
    texts = [f"&#{point};" for point in points] + [f"&#X{point:X}" for point in points]
    texts += ["&#0000000000000065;", "&#x000000000041;", "&#", "&#x", "&#;", "&#xg", "& ;", "&;"]
    assert apply(unescape_html, *texts) == [html.unescape(text) for text in texts]
