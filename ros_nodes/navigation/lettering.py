"""Letters for pictures of maps: capitals, digits and a few signs, five by seven pixels each."""

import unicodedata

import numpy as np

from ros_nodes.navigation.field import Mask

HEIGHT, WIDTH = 7, 5
_GLYPHS = {
    "A": "0E11111F111111",
    "B": "1E11111E11111E",
    "C": "0E11101010110E",
    "D": "1E11111111111E",
    "E": "1F10101E10101F",
    "F": "1F10101E101010",
    "G": "0E11101711110F",
    "H": "1111111F111111",
    "I": "0E04040404040E",
    "J": "0702020202120C",
    "K": "11121418141211",
    "L": "1010101010101F",
    "M": "111B1515111111",
    "N": "11191513111111",
    "O": "0E11111111110E",
    "P": "1E11111E101010",
    "Q": "0E11111115120D",
    "R": "1E11111E141211",
    "S": "0F10100E01011E",
    "T": "1F040404040404",
    "U": "1111111111110E",
    "V": "11111111110A04",
    "W": "11111115151B11",
    "X": "11110A040A1111",
    "Y": "11110A04040404",
    "Z": "1F01020408101F",
    "0": "0E11131519110E",
    "1": "040C040404040E",
    "2": "0E11010204081F",
    "3": "1F02040201110E",
    "4": "02060A121F0202",
    "5": "1F101E0101110E",
    "6": "0608101E11110E",
    "7": "1F010204080808",
    "8": "0E11110E11110E",
    "9": "0E11110F01020C",
    "-": "0000001F000000",
    "_": "0000000000001F",
    ".": "00000000000C0C",
    ",": "000000000C0408",
    "/": "01010204081010",
    " ": "00000000000000",
    "?": "0E110102040004",
}


def lettering(text: str, size: int = 1) -> Mask:
    """A line of letters as pixels, top row first, `size` pixels to a dot. What has no letter here is a `?`."""
    plain = unicodedata.normalize("NFKD", text).upper()
    known = [one for one in plain if not unicodedata.combining(one)]
    blank = np.zeros((HEIGHT, 1), bool)
    columns = [piece for one in known for piece in (_glyph(one), blank)][:-1] or [blank]
    line: Mask = np.kron(np.hstack(columns), np.ones((size, size), bool))
    return line


def _glyph(letter: str) -> Mask:
    rows = bytes.fromhex(_GLYPHS.get(letter, _GLYPHS["?"]))
    bits = np.unpackbits(np.frombuffer(rows, np.uint8)[:, None], axis=1)
    return bits[:, -WIDTH:].astype(bool)
