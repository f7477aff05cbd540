"""Catalogue files: what a library gives us, and what is no catalogue."""

from pathlib import Path
from unicodedata import normalize

import pymarc
import pytest

from edge.domain.errors import SetupError
from edge.domain.inventory import CatalogueRecord
from edge.services.catalogue_file import read_catalogue
from tests.support.shared import shared_data


def field(tag: str, **subfields: str) -> pymarc.Field:
    return pymarc.Field(tag, subfields=[pymarc.Subfield(k, v) for k, v in subfields.items()])


def marc_record(*more: pymarc.Field, number: str = "42") -> pymarc.Record:
    return pymarc.Record(
        fields=[
            pymarc.Field("001", data=number),
            pymarc.Field("003", data="TEST"),
            field("020", a="0-14-044913-2 (pbk.)"),
            field("082", a="843.8"),
            field("100", a="Zola, Émile,"),
            field("245", a="Germinal /", c="Émile Zola."),
            field("260", b="Penguin,", c="c1954."),
            *more,
        ]
    )


def read(path: Path) -> tuple[list[CatalogueRecord], list[tuple[int, str]]]:
    bad: list[tuple[int, str]] = []
    records = list(read_catalogue(path, on_bad=lambda number, why: bad.append((number, why))))
    return records, bad


def test_marc21_and_marcxml_say_the_same(tmp_path: Path) -> None:
    binary, xml = tmp_path / "books.dat", tmp_path / "books.txt"
    binary.write_bytes(marc_record().as_marc())
    with xml.open("wb") as file:
        writer = pymarc.XMLWriter(file)
        writer.write(marc_record())
        writer.close(close_fh=False)
    ((one,), _), ((other,), _) = read(binary), read(xml)
    assert one == other
    assert (one.draft.title, one.draft.author) == ("Germinal", "Zola, Émile")
    assert (one.draft.isbn, one.draft.publication_year) == ("9780140449136", 1954)
    assert (one.draft.publisher, one.draft.call_number) == ("Penguin", "843.8")
    assert (len(one.copies), one.source_key) == (1, "marc:TEST:42")


@pytest.mark.parametrize(
    "holdings",
    [
        (field("852", c="Stacks", h="PQ2504", i="A3", p="B1"), field("852", c="Desk", p="B2")),
        (field("952", c="Stacks", o="PQ2504 A3", p="B1"), field("952", c="Desk", p="B2")),
    ],
)
def test_each_holding_is_a_copy(tmp_path: Path, holdings: tuple[pymarc.Field, ...]) -> None:
    path = tmp_path / "books.mrc"
    path.write_bytes(marc_record(*holdings).as_marc())
    ((record,), _) = read(path)
    assert [(copy.barcode, copy.shelf) for copy in record.copies] == [
        ("B1", "Stacks"),
        ("B2", "Desk"),
    ]
    assert record.draft.call_number == "PQ2504 A3"


def test_a_bad_record_never_stops_the_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "books.mrc"
    untitled = pymarc.Record(fields=[pymarc.Field("001", data="1")])
    broken = bytearray(marc_record(number="2").as_marc())
    broken[12:17] = b"xxxxx"
    good = [marc_record(number=number).as_marc() for number in "34"]
    path.write_bytes(good[0] + untitled.as_marc() + bytes(broken) + good[1])
    records, bad = read(path)
    assert [record.source_key for record in records] == ["marc:TEST:3", "marc:TEST:4"]
    assert [number for number, _ in bad] == [2, 3]


def test_a_csv_needs_only_a_title(tmp_path: Path) -> None:
    path = tmp_path / "books.csv"
    path.write_text(
        "\ufeffTitle,Author,ISBN,copies,barcode,year,shelf_location\r\n"
        "Germinal,Émile Zola,978-0-14-044913-6,2,,1885,SHELF-A\r\n"
        '"Emma, again",,,,B1; B2,,\r\n'
        ",No title,,,,,\r\n"
        "Wrong,,123,,,,\r\n"
        "Wrong,,,many,,,\r\n",
        encoding="utf-8",
    )
    records, bad = read(path)
    assert [(r.draft.title, len(r.copies)) for r in records] == [
        ("Germinal", 2),
        ("Emma, again", 2),
    ]
    assert records[0].copies[0].shelf == "SHELF-A"
    assert [copy.barcode for copy in records[1].copies] == ["B1", "B2"]
    assert [line for line, _ in bad] == [4, 5, 6]
    assert read(path)[0] == records


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"hello",
        b"a,b,c\n1,2,3\n",
        b"title,author\n",
        b"<html><body>Not found</body></html>",
        b"<collection>",
        b"<?xml version='1.0'?><collection></collection>",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"00042nam a2200037   4500",
        b"99999" * 1000,
    ],
)
def test_junk_is_no_catalogue_and_says_so_at_once(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(junk)
    with pytest.raises(SetupError, match="is not a catalogue"):
        read_catalogue(path)


def test_a_file_that_is_not_there_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is not a catalogue"):
        read_catalogue(tmp_path / "none.mrc")


def test_the_real_librarys_catalogue_is_the_same_in_both_forms() -> None:
    files = [shared_data() / name for name in ("catalogue.mrc", "catalogue.marc.xml")]
    (binary, bad), (xml, worse) = map(read, files)
    assert len(binary) == len(xml) == 30 and not bad and not worse
    for one, other in zip(binary, xml, strict=True):
        assert normalize("NFC", repr(one)) == normalize("NFC", repr(other))
    assert len({record.source_key for record in binary}) == len(binary)
    assert sum(record.draft.call_number is not None for record in binary) >= 28
