import io
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from tfast.pretrained import archives
from tfast.pretrained.archives import unpacked

WANTED = {"ours.pth": "*/weights.pth"}
CONTENT = bytes(np.random.RandomState(0).bytes(100_000))


def tar_file(path, members, mode="w:gz"):
    """`members`: contents by name, or `TarInfo` of what is no file."""
    with tarfile.open(path, mode) as archive:
        for name, member in members.items():
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.name = name
            content = member if isinstance(member, bytes) else b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zip_file(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return path


def info(kind, target=""):
    made = tarfile.TarInfo()
    made.type, made.linkname = kind, target
    return made


def contents(path, wanted=WANTED, **options):
    with unpacked(path, wanted, **options) as files:
        return {name: file.read_bytes() for name, file in files.items()}


GOOD = {"wt/readme.txt": b"read me", "wt/weights.pth": CONTENT}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_member_comes_under_our_name_from_any_tar(tmp_path, mode):
    # The ending does not matter: browsers change it.
    assert contents(tar_file(tmp_path / "a.download", GOOD, mode)) == {"ours.pth": CONTENT}


def test_a_member_comes_from_a_zip_archive(tmp_path):
    assert contents(zip_file(tmp_path / "a.zip", GOOD | {"wt/": b""})) == {"ours.pth": CONTENT}


@pytest.mark.parametrize("root", ["", "./", "a/b/"])
def test_a_member_is_found_in_whatever_folder(tmp_path, root):
    path = tar_file(tmp_path / "a.tgz", {"a": info(tarfile.DIRTYPE), f"{root}weights.pth": b"x"})
    assert contents(path) == {"ours.pth": b"x"}


def test_files_beside_the_files_of_a_mac_are_none(tmp_path):
    path = tar_file(tmp_path / "a.tgz", {"a/._weights.pth": b"mac", "a/weights.pth": b"x"})
    assert contents(path, {"ours.pth": "*weights.pth"}) == {"ours.pth": b"x"}


def test_the_files_are_gone_after_the_block(tmp_path):
    with unpacked(tar_file(tmp_path / "a.tgz", GOOD), WANTED) as files:
        (file,) = files.values()
        assert file.is_file()
    assert not file.parent.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]


def test_what_fails_in_the_block_is_not_taken_for_damage(tmp_path):
    with (
        pytest.raises(OSError, match="of the block"),
        unpacked(tar_file(tmp_path / "a.tgz", GOOD), WANTED),
    ):
        raise OSError("of the block")


def test_a_missing_member_is_named_unless_it_is_optional(tmp_path):
    path, wanted = tar_file(tmp_path / "a.tgz", GOOD), WANTED | {"words.pkl": "*/words.pkl"}
    with pytest.raises(ValueError, match=r"must hold \*/words.pkl, got wt/readme.txt, wt/weights"):
        contents(path, wanted)
    assert contents(path, wanted, optional=["words.pkl"]) == {"ours.pth": CONTENT}


def test_two_members_that_fit_are_refused(tmp_path):
    path = tar_file(tmp_path / "a.tgz", GOOD | {"again/weights.pth": b"x"})
    with pytest.raises(ValueError, match=r"got a second: '/again/weights\.pth'"):
        contents(path)


LINKS = [
    (info(tarfile.SYMTYPE, "/etc/passwd"), "a link 'weights.pth'"),
    (info(tarfile.SYMTYPE, "readme.txt"), "a link"),
    (info(tarfile.LNKTYPE, "../../secret"), "a link"),
    (info(tarfile.CHRTYPE), "a device"),
    (info(tarfile.BLKTYPE), "a device"),
    (info(tarfile.FIFOTYPE), "a device"),
    (info(tarfile.CONTTYPE), None),  # what a file was on some systems
]


@pytest.mark.parametrize(("member", "message"), LINKS)
def test_links_and_devices_are_refused(tmp_path, member, message):
    path = tar_file(tmp_path / "a.tgz", {"weights.pth": member})
    if message is None:
        assert contents(path) == {"ours.pth": b""}
        return
    with pytest.raises(ValueError, match=f"files and folders alone, got {message}"):
        contents(path)


def test_a_link_that_nobody_wants_is_refused_too(tmp_path):
    path = tar_file(tmp_path / "a.tgz", GOOD | {"b": info(tarfile.SYMTYPE, "wt")})
    with pytest.raises(ValueError, match="a link 'b'"):
        contents(path)


NAMES = ["/abs/weights.pth", "../weights.pth", "a/../../weights.pth", "..\\weights.pth",
         "\\weights.pth", "C:\\weights.pth", "c:weights.pth", "..", "a/.."]  # fmt: skip


@pytest.mark.parametrize("write", [tar_file, zip_file])
@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_leads_out_of_the_archive_is_refused(tmp_path, write, name):
    (tmp_path / "in").mkdir()
    path = write(tmp_path / "in" / "a", {name: b"x"})
    with pytest.raises(ValueError, match="paths inside of it"):
        contents(path)
    assert [found.name for found in tmp_path.rglob("*")] == ["in", "a"]


@pytest.mark.parametrize(("kind", "message"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "a dev")])
def test_links_and_devices_in_zip_archives_are_refused(tmp_path, kind, message):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        member = zipfile.ZipInfo("weights.pth")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(ValueError, match=message):
        contents(tmp_path / "a.zip")


@pytest.mark.parametrize("write", [tar_file, zip_file])
@pytest.mark.parametrize("name", ["weights.pth", "other"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, write, name, monkeypatch):
    monkeypatch.setattr(archives, "SMALL", 2**16)
    path = write(tmp_path / "a", {name: bytes(2**22), "z": b""})
    assert path.stat().st_size < 2**16
    with pytest.raises(ValueError, match="must unpack to at most"):
        contents(path)


def test_a_sparse_file_that_claims_more_than_it_has_is_refused(tmp_path):
    header = bytearray(info(tarfile.REGTYPE).tobuf(tarfile.GNU_FORMAT))
    header[:11], header[156:157] = b"weights.pth", tarfile.GNUTYPE_SPARSE
    header[483:495] = b"77777777777\0"  # its length without the holes left out
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(1024))
    with pytest.raises(ValueError, match="a sparse file"):
        contents(tmp_path / "a.tar")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    with pytest.raises(ValueError, match="at most 3 members"):
        contents(tar_file(tmp_path / "a.tgz", {str(i): b"" for i in range(4)}))


def test_a_damaged_archive_is_refused(tmp_path):
    for write in (tar_file, zip_file):
        data = write(tmp_path / "a", GOOD).read_bytes()
        for length in (6, 300, len(data) // 2, len(data) - 4):
            (tmp_path / "b").write_bytes(data[:length])
            with pytest.raises(ValueError, match=r"must be a (whole archive|\.tgz)"):
                contents(tmp_path / "b")
        changed = bytearray(data)
        changed[len(data) // 2] ^= 255
        (tmp_path / "b").write_bytes(changed)
        with pytest.raises(ValueError, match=r"must be a whole archive.*(CRC|incorrect|invalid)"):
            contents(tmp_path / "b")


@pytest.mark.parametrize("data", [b"", b"<html>", b"garbage!" * 200, b"\x1f\x8b", b"PK"])
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.tgz").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.tgz must be a"):
        contents(tmp_path / "a.tgz")


def test_an_encrypted_member_is_refused(tmp_path):
    data = bytearray(zip_file(tmp_path / "a.zip", {"weights.pth": b"x"}).read_bytes())
    for begin, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(begin) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ValueError, match="encrypted"):
        contents(tmp_path / "a.zip")
