"""Inputs that a fuzzer found, each with what it did before it was mended."""

from __future__ import annotations

CASES: tuple[tuple[str, str, str], ...] = (
    (
        "opcua-changes",
        "01000000 64000000 01 80 ffffff7f",
        "an array of 2,147,483,647 Nulls kept the agent busy until its memory was gone",
    ),
    (
        "opcua-changes",
        "01000000 64000000 01 c6 00000000 02000000 e8030000 e7030000",
        "an empty array of 1,000 times 999 elements was made up, 24 bytes each 100 ms",
    ),
    (
        "opcua-changes",
        "01000000 64000000 01" + 2_000 * "18",
        "Variants within Variants ended the reader with a RecursionError",
    ),
    (
        "opcua-publish",
        "01003d03407d06fbbc7cffffffffff010000000000000000290000000000000000000000"
        "0000000000fcffffff0000010000fe00000008000001000000",
        "a text of -4 bytes was read backwards, and a list of such texts kept the agent for ever",
    ),
)
