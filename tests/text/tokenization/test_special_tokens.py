from tfast.text.tokenization.special_tokens import PADDING_ID, SPECIAL_TOKENS, UNKNOWN_ID


def test_they_have_fastais_names_and_order():
    assert " ".join(SPECIAL_TOKENS) == "xxunk xxpad xxbos xxeos xxfld xxrep xxwrep xxup xxmaj"
    assert (UNKNOWN_ID, PADDING_ID) == (0, 1)
