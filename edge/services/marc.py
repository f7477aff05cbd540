"""MARC records as titles with copies. The only file that knows pymarc."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from pymarc import Field, MARCReader, Record, Subfield
from pymarc.exceptions import PymarcException

from edge.domain.inventory import BookDraft, CatalogueRecord, CopyDraft, isbn13

BadRecord = Callable[[int, str], None]

_YEAR = re.compile(r"(?<!\d)(1[4-9]\d\d|20\d\d)(?!\d)")
_ENDS = " /:;,=."
_LOCAL_HOLDINGS = "952"
"""Where Koha keeps its items; the standard's field is 852."""


def read_binary(path: Path, on_bad: BadRecord) -> Iterator[CatalogueRecord]:
    """MARC21 (ISO 2709), in UTF-8 or MARC-8 as each record's leader says."""
    with path.open("rb") as file:
        reader = MARCReader(file, to_unicode=True, permissive=True, utf8_handling="replace")
        for number, record in enumerate(reader, start=1):
            if record is None:
                on_bad(number, str(reader.current_exception))
            else:
                yield from _usable(record, number, on_bad)


def read_xml(path: Path, on_bad: BadRecord) -> Iterator[CatalogueRecord]:
    """MARCXML, in a collection or a single record. What is no XML from some place on is one bad record."""
    number = 0
    with path.open("rb") as file:
        try:
            events = ElementTree.iterparse(file, events=("start", "end"))
            _, root = next(events)
            for event, element in events:
                if event == "end" and _name(element) == "record":
                    number += 1
                    yield from _usable(_from_xml(element), number, on_bad)
                    element.clear()  # let go when it is done: files may be larger than memory
                    root.clear()
        except ElementTree.ParseError as error:
            on_bad(number + 1, str(error))


def _usable(record: Record, number: int, on_bad: BadRecord) -> Iterator[CatalogueRecord]:
    try:
        yield replace(_title(record), line=number)
    except (ValueError, KeyError, IndexError, PymarcException) as error:
        on_bad(number, str(error))


def _from_xml(element: ElementTree.Element) -> Record:
    fields = []
    for child in element:
        tag = child.get("tag", "")
        if _name(child) == "controlfield":
            fields.append(Field(tag=tag, data=child.text or ""))
        elif _name(child) == "datafield":
            subfields = [Subfield(one.get("code", ""), one.text or "") for one in child]
            fields.append(Field(tag=tag, subfields=subfields))
    return Record(fields=fields)


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _title(record: Record) -> CatalogueRecord:
    """Raises ValueError where it has no title."""
    title = _text(record, "245", "abnp")
    if not title:
        raise ValueError("it has no title")
    call_number = _call_number(record)
    draft = BookDraft(
        title=title,
        author=next((a for t in ("100", "110", "111", "700") if (a := _text(record, t, "a"))), ""),
        isbn=_isbn(record),
        publisher=_text(record, "264", "b") or _text(record, "260", "b") or None,
        publication_year=_year(record),
        description=_text(record, "520", "a", keep_end=True) or None,
        call_number=call_number,
    )
    return CatalogueRecord(draft, _copies(record), _source_key(record, draft))


def _text(record: Record, tag: str, codes: str, *, keep_end: bool = False) -> str:
    """The first field of this tag that says something, without the marks that set off the next part."""
    for field in record.get_fields(tag):
        parts = [one.strip() for one in field.get_subfields(*codes)]
        text = " ".join(part for part in parts if part)
        text = text if keep_end else text.rstrip(_ENDS)
        if text:
            return text
    return ""


def _isbn(record: Record) -> str | None:
    """The first that is right; catalogues have wrong ones, and say `(pbk.)` after some."""
    for field in record.get_fields("020"):
        for said in field.get_subfields("a"):
            digits = said.split("(")[0].replace("-", "").replace(":", "").strip().upper()
            found = isbn13(digits.split(" ")[0])
            if found is not None:
                return found
    return None


def _year(record: Record) -> int | None:
    fixed = record.get_fields("008")
    said = [_text(record, tag, "c") for tag in ("264", "260")]
    if fixed and fixed[0].data:
        said.append(fixed[0].data[7:11])
    found = next((match for text in said if (match := _YEAR.search(text))), None)
    return int(found.group()) if found else None


def _call_number(record: Record) -> str | None:
    """The library's own, else that of the Library of Congress, else Dewey's."""
    places = (
        ("852", "hi"),
        (_LOCAL_HOLDINGS, "o"),
        ("050", "ab"),
        ("090", "ab"),
        ("082", "a"),
    )
    return next((text for tag, codes in places if (text := _text(record, tag, codes))), None)


def _copies(record: Record) -> tuple[CopyDraft, ...]:
    """One for each holding; one where there is no word of holdings."""
    fields = record.get_fields(_LOCAL_HOLDINGS) or record.get_fields("852")
    copies = [
        CopyDraft(barcode=_first(field, "p"), shelf=_first(field, "c") or _first(field, "b"))
        for field in fields
    ]
    return tuple(copies) or (CopyDraft(),)


def _first(field: Field, code: str) -> str | None:
    return next((one.strip() for one in field.get_subfields(code) if one.strip()), None)


def _source_key(record: Record, draft: BookDraft) -> str:
    """The record's control number and whose number it is; a key of its words where it has none."""
    numbers = [(f.data or "").strip() for tag in ("003", "001") for f in record.get_fields(tag)]
    own = record.get_fields("001")
    if own and (own[0].data or "").strip():
        return "marc:" + ":".join(numbers)
    return f"marc:{draft.isbn}/{draft.title}/{draft.author}/{draft.publication_year}"
