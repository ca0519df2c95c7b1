"""Tags of a PDF: the structure that screen readers follow (ISO 32000-1, 14.7 and 14.8).

reportlab writes no structure, but operators and document objects can be added. Tags consist of them: marked content
in the page (`/P <</MCID 3>> BDC … EMC`), an element for each, and a tree over the elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFString
from reportlab.pdfgen.canvas import Canvas


class Structure:
    """Document → section for each card → headings, paragraphs and figures."""

    def __init__(self, canvas: Canvas) -> None:
        """Create it; `canvas` must have no page yet."""
        self._canvas = canvas
        self._document = canvas._doc  # noqa: SLF001 - reportlab has no public way to its document
        self._root = PDFDictionary({"Type": PDFName("StructTreeRoot")})
        self._root_reference = self._document.Reference(self._root)
        self._pages: list[list[Any]] = []
        self._marks: list[Any] = []  # elements of the current page, by their MCID
        self._sections: list[Any] = []
        self._top = self._element("Document", self._root_reference, self._sections)
        self._kids: list[Any] = self._sections
        self._parent = self._top

    @contextmanager
    def section(self) -> Iterator[None]:
        """Tag everything drawn in the body as one card."""
        kids: list[Any] = []
        section = self._element("Sect", self._top, kids)
        self._sections.append(section)
        self._kids, self._parent = kids, section
        yield
        self._kids, self._parent = self._sections, self._top

    @contextmanager
    def element(self, role: str, alternative: str = "", spoken: str = "") -> Iterator[None]:
        """Tag everything drawn in the body as one element. `alternative` describes a figure, `spoken` replaces text."""
        mark = len(self._marks)
        self._canvas.addLiteral(f"/{role} <</MCID {mark}>> BDC")
        yield
        self._canvas.addLiteral("EMC")
        reference = self._element(role, self._parent, mark, alternative, spoken)
        self._marks.append(reference)
        self._kids.append(reference)

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """Mark everything drawn in the body as an artifact: borders, frames, backgrounds."""
        self._canvas.addLiteral("/Artifact BMC")
        yield
        self._canvas.addLiteral("EMC")

    def end_page(self) -> None:
        """Finish the page and link its marked content to the tree."""
        self._canvas.showPage()
        page = self._document.Pages.pages[-1]
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents = len(self._pages)
        page.Tabs = PDFName("S")
        self._pages.append(self._marks)
        self._marks = []

    def end_document(self) -> None:
        """Add the tree to the document's catalog."""
        numbers: list[Any] = []
        for page, elements in enumerate(self._pages):
            numbers += [page, PDFArray(elements)]
        self._root.dict |= {
            "K": PDFArray([self._top]),
            "ParentTree": self._document.Reference(PDFDictionary({"Nums": PDFArray(numbers)})),
            "ParentTreeNextKey": len(self._pages),
        }
        catalog = self._document.Catalog
        catalog.StructTreeRoot = self._root
        catalog.MarkInfo = PDFDictionary({"Marked": "true"})

    def _element(self, role: str, parent: Any, kids: Any, alternative: str = "", spoken: str = "") -> Any:
        """A structure element; `kids` is an MCID of the current page, or a list that may still grow."""
        entries = {"Type": PDFName("StructElem"), "S": PDFName(role), "P": parent}
        if isinstance(kids, int):
            entries |= {"K": kids, "Pg": self._document.thisPageRef()}
        else:
            entries["K"] = array = PDFArray([])
            array.sequence = kids  # PDFArray itself would keep a copy, which does not grow
        if alternative:
            entries["Alt"] = PDFString(alternative)
        if spoken:
            entries["ActualText"] = PDFString(spoken)
        return self._document.Reference(PDFDictionary(entries))
