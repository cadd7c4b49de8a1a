"""What is sold: categories, products, prices, and the pages where people land."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volano.maths.draw import Floats, normal
from volano.world.spec import Ints, Texts

CATEGORIES = (
    "shoes",
    "dresses",
    "shirts",
    "jeans",
    "bags",
    "watches",
    "beauty",
    "kitchen",
    "toys",
    "phones",
    "sports",
    "garden",
)
TYPICAL_PRICE = (38.0, 29.0, 16.0, 33.0, 27.0, 55.0, 12.0, 21.0, 14.0, 120.0, 31.0, 24.0)  # medians, USD
PRODUCTS_PER_CATEGORY = 25
CURRENCY = "USD"

# Landing pages: fixed ones first, then one page per category.
PAGES = ("/", "/sale", "/blog/gift-ideas", "/blog/how-to-choose", *(f"/c/{name}" for name in CATEGORIES))
FIRST_CATEGORY_PAGE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All products, by category and then from cheap to dear; prices in whole cents of USD."""

    name: Texts
    category: Ints
    price: Floats

    def pick(self, category: Ints, drawn: Floats, sensitivity: Floats) -> Ints:
        """A product of the category for each number in [0, 1); price-sensitive people pick cheaper ones."""
        rank = np.floor(drawn**sensitivity * PRODUCTS_PER_CATEGORY).astype(np.int64)
        return category * PRODUCTS_PER_CATEGORY + np.minimum(rank, PRODUCTS_PER_CATEGORY - 1)


def stock(seed: int) -> Catalogue:
    """The catalogue of a seed; prices within a category are log-normal.

    >>> len(stock(1).name), stock(1).name[0]
    (300, 'shoes-01')
    """
    count = len(CATEGORIES) * PRODUCTS_PER_CATEGORY
    category = np.arange(count) // PRODUCTS_PER_CATEGORY
    noise = normal(np.arange(count), f"{seed}/supply/price").reshape(len(CATEGORIES), PRODUCTS_PER_CATEGORY)
    price = np.array(TYPICAL_PRICE)[:, None] * np.exp(0.5 * np.sort(noise, axis=1))
    return Catalogue(
        name=np.array(
            [f"{name}-{k + 1:02d}" for name in CATEGORIES for k in range(PRODUCTS_PER_CATEGORY)], dtype=object
        ),
        category=category,
        price=np.round(price.ravel(), 2),
    )
