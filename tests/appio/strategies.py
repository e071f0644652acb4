"""What the property tests draw from."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st
from stdnum.it.codicefiscale import calc_check_digit

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SUBSTITUTES = "LMNPQRSTUV"


@st.composite
def fiscal_codes(draw: st.DrawFn) -> str:
    """A person's code with a real date and the right check character, digits replaced at will (omocodia)."""
    name = draw(st.text(_UPPER, min_size=6, max_size=6))
    born = draw(st.dates(date(1930, 1, 1), date(2019, 12, 31)))
    day = born.day + draw(st.sampled_from([0, 40]))
    digits = f"{born.year % 100:02}{day:02}{draw(st.integers(0, 999)):03}"
    shown = [_SUBSTITUTES[int(d)] if draw(st.booleans()) else d for d in digits]
    month = "ABCDEHLMPRST"[born.month - 1]
    place = draw(st.sampled_from(_UPPER))
    body = name + "".join(shown[:2]) + month + "".join(shown[2:4]) + place + "".join(shown[4:])
    return body + calc_check_digit(body)


@st.composite
def notice_numbers(draw: st.DrawFn) -> str:
    """A notice number with the right check pair, aux digit 0, 2 or 3."""
    first = draw(st.sampled_from("023")) + draw(st.text("0123456789", min_size=15, max_size=15))
    return f"{first}{int(first) % 93:02}"
