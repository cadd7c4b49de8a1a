"""Money: integer minor units with their currency."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

LARGEST = 10**15  # minor units; more is no price

# ISO 4217 currencies whose minor unit is not a hundredth.
_DIGITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def digits(currency: str) -> int:
    """How many decimals the currency has.

    >>> digits("JPY"), digits("EUR"), digits("KWD")
    (0, 2, 3)
    """
    return _DIGITS.get(currency.upper(), 2)


def minor(amount: str | float | Decimal, currency: str) -> int:
    """An amount in major units as minor units, half away from zero.

    >>> minor("11.77", "USD"), minor(0.105, "USD"), minor("-3", "JPY")
    (1177, 11, -3)
    """
    exact = Decimal(str(amount)).scaleb(digits(currency))
    return int(exact.to_integral_value(ROUND_HALF_UP))


def shown(minor_units: float, currency: str) -> str:
    """Minor units as people read them.

    >>> shown(250031563, "USD"), shown(-1500, "JPY")
    ('2,500,315.63 USD', '-1,500 JPY')
    """
    places = digits(currency)
    return f"{minor_units / 10**places:,.{places}f} {currency}"
