"""Says which characters nobody sees: they may not name things, and are written out when shown.

A supplier who can put an invisible character into a name owns a twin of every trusted name.
Unicode's own list of "default ignorable" code points is not in Python, and it holds letters and
marks too (Hangul fillers, variation selectors), so categories alone are not enough.
Source: DerivedCoreProperties.txt, Default_Ignorable_Code_Point; attack table A27, A39.
"""

from __future__ import annotations

import unicodedata

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_IGNORABLE = frozenset(
    {
        0x034F,  # combining grapheme joiner
        *(0x115F, 0x1160, 0x3164, 0xFFA0),  # Hangul fillers: letters that show nothing
        *(0x17B4, 0x17B5),  # Khmer inherent vowels
        *range(0x180B, 0x1810),  # Mongolian variation selectors
        0x2800,  # Braille blank: no ignorable, but as empty
        *range(0xFE00, 0xFE10),  # variation selectors
        *range(0xE0000, 0xE1000),  # tags and more variation selectors
    }
)


def is_hidden(character: str) -> bool:
    """Return whether *character* is a control, format, surrogate, private or invisible one."""
    return unicodedata.category(character) in _HIDDEN_CATEGORIES or ord(character) in _IGNORABLE


def is_odd_space(character: str) -> bool:
    """Return whether *character* looks like a space and is not U+0020."""
    return character != " " and unicodedata.category(character) == "Zs"
