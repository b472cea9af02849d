import csv
import gzip

import pytest

from tfast.text.text_files import (
    COMPRESSED,
    iterate_paragraphs,
    iterate_rows,
    kind_of_file,
    read_text,
)


def rows_of(path, columns, **options):
    return list(iterate_rows(path, columns, **options))


def write(path, content, encoding="utf-8"):
    data = content.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.name.lower().endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.csv.gz", "a.CSV.GZ"])
def test_csv_files_are_read_by_column_plain_and_compressed(tmp_path, name):
    content = 'id,review,stars\r\n1,"good, ""very"" good\r\nindeed",5\r\n\r\n2,bad,1\r\n'
    rows = rows_of(write(tmp_path / name, content), ["review", "stars"])
    assert rows == [(2, ('good, "very" good\r\nindeed', "5")), (5, ("bad", "1"))]


def test_tsv_files_are_read_by_column(tmp_path):
    path = write(tmp_path / "a.TSV", 'text\tlabel\nlong, slow\t0\n"a tab\there"\t1\n')
    assert rows_of(path, ["label", "text"]) == [
        (2, ("0", "long, slow")),
        (3, ("1", "a tab\there")),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.JSONL", "a.jsonl.gz"])
def test_json_lines_are_read_by_name(tmp_path, name):
    content = '{"text": "good\\nfilm", "label": 1, "id": null}\n\n{"label": "b", "text": "é"}\n'
    rows = rows_of(write(tmp_path / name, content), ["text", "label"])
    assert rows == [(1, ("good\nfilm", "1")), (3, ("é", "b"))]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_byte_order_mark_tells_the_encoding_and_is_no_text(tmp_path, encoding, name):
    path = write(tmp_path / name, "text,label\nécole,1\n", encoding)
    assert rows_of(path, ["text", "label"]) == [(2, ("école", "1"))]
    assert read_text(path) == "text,label\nécole,1\n"
    path = write(tmp_path / "a.txt", "école\n\nb", encoding)
    assert list(iterate_paragraphs(path)) == ["école", "b"]


def test_big_endian_utf_16_with_a_mark_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xfe\xff" + "text\nécole\n".encode("utf-16-be"))
    assert rows_of(path, ["text"]) == [(2, ("école",))]


def test_bytes_that_are_not_utf_8_are_named_with_their_line(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\n" + "good,1\n" * 20_000 + "école,1\n", "latin-1")
    with pytest.raises(ValueError, match=r"a.csv, line 20002: byte 0xe9 is not UTF-8.*latin-1"):
        rows_of(path, ["text"])
    assert rows_of(path, ["text"], encoding="latin-1")[-1] == (20_002, ("école",))
    with pytest.raises(ValueError, match="line 1: byte 0xe9 is not UTF-8"):
        read_text(write(tmp_path / "a.txt", "école", "latin-1"))
    with pytest.raises(ValueError, match=r"encoding must be the name of one .* 'latin-99'"):
        rows_of(path, ["text"], encoding="latin-99")
    with pytest.raises(ValueError, match=r"encoding must be the name of one .* 'rot13'"):
        rows_of(path, ["text"], encoding="rot13")


@pytest.mark.parametrize("encoding", ["utf-16", "UTF16", "utf-32"])
def test_a_missing_byte_order_mark_is_named_with_an_encoding_that_needs_none(tmp_path, encoding):
    needs_none = "utf-32-le" if encoding == "utf-32" else "utf-16-le"
    path = write(tmp_path / "a.csv", "text\nécole\n", needs_none)
    message = rf"a\.csv is not UTF-(16|32) with a byte-order mark; .*encoding='{needs_none}'"
    with pytest.raises(ValueError, match=message):
        rows_of(path, ["text"], encoding=encoding)
    assert rows_of(path, ["text"], encoding=needs_none) == [(2, ("école",))]


def test_a_cut_file_with_a_byte_order_mark_needs_no_other_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("école".encode("utf-16")[:-1])
    with pytest.raises(ValueError, match=r"a\.txt is not UTF-16; .*encoding='latin-1'"):
        read_text(path, encoding="utf-16")


def test_an_encoding_that_tells_no_byte_is_named_with_file_and_line(tmp_path):
    path = write(tmp_path / "a.txt", "a\n")
    with pytest.raises(ValueError, match=r"a\.txt, line 1 is not UNDEFINED"):
        read_text(path, encoding="undefined")  # Python's, which refuses everything


def test_a_cell_of_ten_megabytes_is_read_and_no_limit_is_left_changed(tmp_path):
    limit = csv.field_size_limit()
    long = "word " * 2_000_000
    path = write(tmp_path / "a.csv", f'text,label\n"{long}",1\n')
    assert rows_of(path, ["text"]) == [(2, (long,))]
    with pytest.raises(ValueError, match="line 2"):
        rows_of(write(path, 'text\n"open'), ["text"])
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\ngood,1\nlong, slow, dull,0\n", r"line 3: expected 2 fields .* got 4.*comma"),
        ("text,label\ngood\n", r"line 2: expected 2 fields \(text, label\), got 1"),
        ('text,label\ngood,1\n\n"never closed,0\nbad,1\n', "line 4: .*a quote opens and is never"),
        ('text,label\n"a",1\n"said "no" twice",0\n', "line 3: .*must be written twice"),
        ("review,label\ngood,1\n", r"no column 'text'; it has \['review', 'label'\]"),
        ("text,text,label\na,b,1\n", "more than one column 'text'"),
        ("", r"no column 'text'; it has \[\]"),
        ("t\0e\0x\0t\0\n\0", "is not UTF-8; .*encoding='utf-16-le'"),
    ],
)
def test_rows_that_do_not_fit_are_named_with_their_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"a.csv,? {message}|a.csv has {message}"):
        rows_of(write(tmp_path / "a.csv", content), ["text", "label"])


def test_a_row_after_one_of_several_lines_has_its_own_line_number(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"one\ntwo\nthree",1\nsurplus,1,2\n')
    with pytest.raises(ValueError, match="line 5: expected 2"):
        rows_of(path, ["text"])


def test_tsv_errors_speak_of_tabs(tmp_path):
    with pytest.raises(ValueError, match=r"line 2: .* holds a tab must be in quotes"):
        rows_of(write(tmp_path / "a.tsv", "text\tlabel\na\tb\tc\n"), ["text"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a"', "line 2 is not JSON"),
        ('["a"]', "line 2 must be a JSON object"),
        ('{"label": 1}', r"line 2 has no 'text'; it has \['label'\]"),
        ('{"text": null}', "line 2: text must be a string, got null"),
        ('{"text": true}', "line 2: text must be a string, got true"),
        ('{"text": 1.5}', "line 2: text must be a string, got 1.5"),
        ('{"text": ["a"]}', "line 2: text must be a string"),
        ('{"text": "a \\ud800"}', "line 2: text must be valid Unicode, got half a character"),
        ('{"text": ' + 5000 * "1" + "}", r"a\.jsonl, line 2 is not JSON"),
        ('{"text": ' + 9000 * "[" + 9000 * "]" + "}", r"a\.jsonl, line 2 is not JSON"),
    ],
)
def test_json_lines_that_do_not_fit_are_named(tmp_path, line, message):
    path = write(tmp_path / "a.jsonl", '{"text": "good"}\n' + line + "\n")
    with pytest.raises(ValueError, match=message):
        rows_of(path, ["text"])


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx", "a.zip", "a.gz", "a", "a.csv.zip", ".csv"])
def test_other_kinds_of_files_are_refused_by_name(name):
    with pytest.raises(ValueError, match=rf"path must end with \.csv, .* got {name}$"):
        kind_of_file(name)


@pytest.mark.parametrize("ending", COMPRESSED)
def test_a_broken_compressed_file_is_named(tmp_path, ending):
    path = tmp_path / f"a.csv{ending}"
    with COMPRESSED[ending](path, "wt") as file:
        file.write("text\n" + "good\n" * 1000)
    assert len(rows_of(path, ["text"])) == 1000
    path.write_bytes(path.read_bytes()[:-12])
    message = rf"a\.csv\{ending} is not a whole \{ending} file"
    with pytest.raises(ValueError, match=message):
        rows_of(path, ["text"])
    path.write_bytes(b"text\ngood\n")
    with pytest.raises(ValueError, match=message):
        rows_of(path, ["text"])


def test_rows_and_paragraphs_are_read_one_by_one(tmp_path):
    path = write(tmp_path / "a.csv", "text\na\nb\n" + 'c,"\n')
    rows = iterate_rows(path, ["text"])
    assert [next(rows), next(rows)] == [(2, ("a",)), (3, ("b",))]
    with pytest.raises(ValueError, match="line 4"):
        next(rows)


def test_a_plain_file_is_split_at_empty_lines(tmp_path):
    path = write(
        tmp_path / "book.txt.gz", " = Title = \r\n \r\nFirst,\r\nstill first.\n\n\nSecond.\n"
    )
    assert list(iterate_paragraphs(path)) == ["= Title =", "First,\nstill first.", "Second."]
    with pytest.raises(ValueError, match="path must be a table"):
        rows_of(path, ["text"])
