"""Brings the catalogues up to date with the code: `python -m wire.texts`."""

from __future__ import annotations

import sys

from babel.messages.pofile import read_po, write_po

from wire.texts import FOLDER, LANGUAGES, SOURCE
from wire.texts.collecting import collected

# Without dates and names, which would differ at every run.
HEADER = """# Texts of Refit. `python -m wire.texts` adds what is new in the code.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def main() -> int:
    """Add new texts to each catalogue, take out those that are gone; what is left to translate."""
    found = collected()
    left = 0
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        path = FOLDER / f"{language}.po"
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        catalogue.update(found, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        with path.open("wb") as file:
            file.write(HEADER.format(language=language).encode())
            write_po(file, catalogue, width=100, omit_header=True, include_lineno=False)
        missing = [one.id for one in catalogue if one.id and not _is_whole(one.string)]
        left += len(missing)
        for text in missing:
            print(f"{path.name}: not translated: {text}", file=sys.stderr)
    return 1 if left else 0


def _is_whole(said: object) -> bool:
    return all(said) if isinstance(said, tuple | list) else bool(said)


if __name__ == "__main__":
    sys.exit(main())
