"""The paper of reports: page frame, headings, tables, badges, pictures and QR codes, on A4.

Whatever is printed here is printed again to the same bytes: the PDF's dates are those of the
record, and nothing else in it depends on when, where or by whom it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

Colour = tuple[int, int, int]
Align = Literal["L", "R", "C"]

INK: Colour = (26, 32, 38)
SOFT: Colour = (96, 105, 115)
RULE: Colour = (205, 210, 216)
SHADE: Colour = (242, 244, 246)
LEAD: Colour = (31, 58, 95)
WHITE: Colour = (255, 255, 255)
GREEN: Colour = (24, 121, 78)
AMBER: Colour = (176, 103, 0)
RED: Colour = (184, 38, 30)
GREY: Colour = (110, 118, 127)

FACE, MONO = "dejavu", "dejavu-mono"
MARGIN_MM, TOP_MM, BOTTOM_MM = 16.0, 27.0, 19.0
LINE_MM = 4.3
PAD_MM = 1.1


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head, its share of the width, and how its cells stand."""

    head: str
    share: float
    align: Align = "L"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, where it is not just a text."""

    text: str
    colour: Colour = INK
    bold: bool = False
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands on every page: title and lines beside it at the top, a line at the bottom.

    `page` is the wording of a page number with {page} and {pages}. `made` is the PDF's date.
    """

    title: str
    under: str
    right: Sequence[str]
    bottom: str
    page: str
    made: datetime
    language: str
    keywords: str


class _Sheet(FPDF):
    """The pages with their frame; the library calls `header` and `footer` itself."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(unit="mm", format="A4")
        self._refit_frame = frame
        for family, style, name in _faces():
            self.add_font(family, style, _font(name))
        self.set_margins(MARGIN_MM, TOP_MM, MARGIN_MM)
        self.set_auto_page_break(True, BOTTOM_MM)
        self.alias_nb_pages("{pages}")
        self.set_title(f"{frame.title}, {frame.under}")
        self.set_keywords(frame.keywords)
        self.set_lang(frame.language)
        self.set_creator("Refit")
        self.set_producer("Refit")
        self.set_creation_date(frame.made)
        self.add_page()

    def header(self) -> None:
        """The band at the top of every page."""
        frame = self._refit_frame
        self.set_fill_color(*LEAD)
        self.rect(0, 0, self.w, 4, style="F")
        written(self, MARGIN_MM, 8.0, frame.title, 14, LEAD, bold=True)
        written(self, MARGIN_MM, 15.2, frame.under, 8.5, SOFT)
        for place, line in enumerate(frame.right):
            self.set_xy(self.w / 2, 8.2 + 4.2 * place)
            faced(self, 8.5, SOFT)
            self.cell(self.w / 2 - MARGIN_MM, 4.2, line, align="R")
        ruled(self, 21.5)
        self.set_xy(MARGIN_MM, TOP_MM)

    def footer(self) -> None:
        """The line at the bottom of every page."""
        frame = self._refit_frame
        ruled(self, self.h - 14)
        self.set_xy(MARGIN_MM, self.h - 12.6)
        faced(self, 7, SOFT)
        self.cell(self.epw * 0.8, 4, frame.bottom)
        told = frame.page.format(page=self.page_no(), pages="{pages}")
        # The number of pages is put in at the end: room is measured with a number like it.
        room = self.get_string_width(told.replace("{pages}", "10"))
        self.set_xy(self.w - MARGIN_MM - room - 1, self.h - 12.6)
        self.cell(room, 4, told)


def faced(pdf: FPDF, size: float, colour: Colour, bold: bool = False, mono: bool = False) -> None:
    """Choose a face for what is written next."""
    pdf.set_font(MONO if mono else FACE, "B" if bold and not mono else "", size)
    pdf.set_text_color(*colour)


def written(
    pdf: FPDF, x: float, y: float, text: str, size: float, colour: Colour, bold: bool = False
) -> None:
    """Write a line of text at a place."""
    faced(pdf, size, colour, bold)
    pdf.set_xy(x, y)
    pdf.cell(0, size * 0.47, text)


def ruled(pdf: FPDF, y: float) -> None:
    """Draw a fine line from margin to margin."""
    pdf.set_draw_color(*RULE)
    pdf.set_line_width(0.25)
    pdf.line(MARGIN_MM, y, pdf.w - MARGIN_MM, y)


class Paper:
    """A report that is being written, from top to bottom; `done` gives its bytes.

    `pdf` is the library's own object, for what is not here.
    """

    def __init__(self, frame: Frame) -> None:
        self.pdf = _Sheet(frame)

    def heading(self, text: str, room_mm: float = 30.0) -> None:
        """A heading; on a new page when fewer than `room_mm` would follow it."""
        self.keep(room_mm)
        self.pdf.ln(3.0)
        faced(self.pdf, 11, LEAD, bold=True)
        self.pdf.cell(self.pdf.epw, 6.2, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.pdf.ln(0.8)

    def keep(self, room_mm: float) -> None:
        """Begin a new page unless there is so much room on this one."""
        if self.pdf.will_page_break(room_mm):
            self.pdf.add_page()

    def words(self, text: str, size: float = 9.0, colour: Colour = INK, bold: bool = False) -> None:
        """A paragraph over the whole width."""
        faced(self.pdf, size, colour, bold)
        self.pdf.multi_cell(
            self.pdf.epw, size * 0.47, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        self.pdf.ln(1.0)

    def pairs(self, rows: Sequence[tuple[str, str]], width_mm: float, label_mm: float = 44) -> None:
        """Labels and what they say, one below the other, from where the paper stands."""
        left = self.pdf.get_x()
        for label, said in rows:
            top = self.pdf.get_y()
            self.pdf.set_xy(left, top)
            faced(self.pdf, 8.5, SOFT)
            self.pdf.cell(label_mm, LINE_MM + 0.6, label)
            faced(self.pdf, 9, INK)
            self.pdf.multi_cell(width_mm - label_mm, LINE_MM + 0.6, said, align="L",
                            new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # fmt: skip
        self.pdf.set_x(MARGIN_MM)

    def two_columns(
        self, left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]
    ) -> None:
        """Two lists of labels and what they say, side by side."""
        top, half = self.pdf.get_y(), self.pdf.epw / 2
        self.pairs(left, half - 3)
        below = self.pdf.get_y()
        self.pdf.set_xy(MARGIN_MM + half, top)
        self.pairs(right, half)
        self.pdf.set_xy(MARGIN_MM, max(below, self.pdf.get_y()))

    def badge(self, x: float, y: float, side: float, letter: str, colour: Colour) -> None:
        """A large letter on a coloured square with round corners."""
        self.pdf.set_fill_color(*colour)
        self.pdf.rect(x, y, side, side, style="F", round_corners=True, corner_radius=2.5)
        size = side * 1.9 / max(1.0, len(letter) * 0.62)
        faced(self.pdf, size, WHITE, bold=True)
        self.pdf.set_xy(x, y)
        self.pdf.cell(side, side, letter, align="C")

    def at(self, x: float, y: float, text: str, size: float, colour: Colour = INK,
           bold: bool = False) -> None:  # fmt: skip
        """A line of text at a place."""
        written(self.pdf, x, y, text, size, colour, bold)

    def grid(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]],
              size: float = 8.0) -> None:  # fmt: skip
        """A table; its head comes again on each page, a row is never cut."""
        total = sum(column.share for column in columns)
        widths = [self.pdf.epw * column.share / total for column in columns]
        self._head(columns, widths, size)
        for place, row in enumerate(rows):
            cells = [Cell(one) if isinstance(one, str) else one for one in row]
            height = self._height(cells, widths, size)
            if self.pdf.will_page_break(height):
                self.pdf.add_page()
                self._head(columns, widths, size)
            self._row(columns, widths, cells, height, size, shaded=place % 2 == 1)
        ruled(self.pdf, self.pdf.get_y())
        self.pdf.set_xy(MARGIN_MM, self.pdf.get_y() + 1.5)

    def picture(self, png: bytes, width_mm: float, description: str) -> None:
        """A picture in the middle, on a new page when it has no room on this one."""
        from PIL import Image

        with Image.open(BytesIO(png)) as image:
            height = width_mm * image.height / image.width
        self.keep(height + 2)
        top = self.pdf.get_y()
        left = MARGIN_MM + (self.pdf.epw - width_mm) / 2
        self.pdf.image(BytesIO(png), x=left, y=top, w=width_mm, alt_text=description)
        self.pdf.set_xy(MARGIN_MM, top + height + 2)

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """A QR code, drawn as squares so that it is sharp at any size."""
        import segno

        code = segno.make(text, error="m", micro=False)
        rows = [list(row) for row in code.matrix]
        step = side / len(rows)
        self.pdf.set_fill_color(*INK)
        for line, row in enumerate(rows):
            for start, length in _runs(row):
                self.pdf.rect(x + start * step, y + line * step, length * step + 0.02, step + 0.02,
                          style="F")  # fmt: skip

    @contextmanager
    def panel(self, height_mm: float) -> Iterator[tuple[float, float]]:
        """A shaded box over the whole width; what is written in it begins at the given place."""
        self.keep(height_mm + 2)
        x, y = MARGIN_MM, self.pdf.get_y()
        self.pdf.set_fill_color(*SHADE)
        self.pdf.rect(
            x, y, self.pdf.epw, height_mm, style="F", round_corners=True, corner_radius=2.5
        )
        yield x, y
        self.pdf.set_xy(MARGIN_MM, y + height_mm + 2)

    def done(self) -> bytes:
        """The PDF."""
        return bytes(self.pdf.output())

    def _head(self, columns: Sequence[Column], widths: Sequence[float], size: float) -> None:
        cells = [Cell(column.head, WHITE, bold=True) for column in columns]
        height = self._height(cells, widths, size)
        top = self.pdf.get_y()
        self.pdf.set_fill_color(*LEAD)
        self.pdf.rect(MARGIN_MM, top, self.pdf.epw, height, style="F")
        self._row(columns, widths, cells, height, size, shaded=False)

    def _row(
        self, columns: Sequence[Column], widths: Sequence[float], cells: Sequence[Cell],
        height: float, size: float, *, shaded: bool,
    ) -> None:  # fmt: skip
        top, x = self.pdf.get_y(), MARGIN_MM
        if shaded:
            self.pdf.set_fill_color(*SHADE)
            self.pdf.rect(x, top, self.pdf.epw, height, style="F")
        for column, width, cell in zip(columns, widths, cells, strict=True):
            self.pdf.set_xy(x + PAD_MM, top + PAD_MM * 0.6)
            self._cell_face(cell, size)
            self.pdf.multi_cell(width - 2 * PAD_MM, size * 0.47, cell.text, align=column.align,
                            padding=0)  # fmt: skip
            x += width
        self.pdf.set_xy(MARGIN_MM, top + height)

    def _height(self, cells: Sequence[Cell], widths: Sequence[float], size: float) -> float:
        lines = 1
        for cell, width in zip(cells, widths, strict=True):
            self._cell_face(cell, size)
            found = self.pdf.multi_cell(width - 2 * PAD_MM, size * 0.47, cell.text, align="L",
                                    dry_run=True, output="LINES")  # fmt: skip
            lines = max(lines, len(found))
        return lines * size * 0.47 + 2 * PAD_MM * 0.6 + 0.4

    def _cell_face(self, cell: Cell, size: float) -> None:
        faced(self.pdf, size * 0.92 if cell.mono else size, cell.colour, cell.bold, cell.mono)


def _runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where dark squares of a row begin, and how many follow one another."""
    start = None
    for place, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = place
        elif not dark and start is not None:
            yield start, place - start
            start = None


def _faces() -> tuple[tuple[str, Literal["", "B"], str], ...]:
    return (
        (FACE, "", "DejaVuSans.ttf"),
        (FACE, "B", "DejaVuSans-Bold.ttf"),
        (MONO, "", "DejaVuSansMono.ttf"),
    )


def _font(name: str) -> Path:
    """A face of DejaVu, which matplotlib brings along: it has every sign that is needed."""
    from matplotlib import get_data_path

    return Path(get_data_path()) / "fonts" / "ttf" / name
