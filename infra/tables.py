"""Generated tables in documents, between `<!-- name -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def filled(text: str, made: Mapping[str, Sequence[str]]) -> str:
    r"""Return a document's text with the lines after each name replaced.

    >>> filled("<!-- sum -->\nold\n<!-- end -->", {"sum": ["new"]})
    '<!-- sum -->\nnew\n<!-- end -->'
    """
    for name, lines in made.items():
        before, after = re.escape(f"<!-- {name} -->\n"), re.escape("\n<!-- end -->")
        body = "\n".join(lines)
        text = re.sub(rf"(?<={before}).*?(?={after})", lambda _, body=body: body, text, flags=re.DOTALL)  # type: ignore[misc]  # a default in a lambda
    return text
