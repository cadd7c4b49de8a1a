"""Products have prices, and who minds prices looks at cheap ones."""

from __future__ import annotations

import numpy as np

from volano.maths.draw import uniform
from volano.world.supply import CATEGORIES, PRODUCTS_PER_CATEGORY, stock


def test_products_of_a_category_go_from_cheap_to_dear() -> None:
    catalogue = stock(7)
    prices = catalogue.price.reshape(len(CATEGORIES), PRODUCTS_PER_CATEGORY)
    assert len(set(catalogue.name.tolist())) == 300
    assert (np.diff(prices, axis=1) >= 0).all()
    assert prices.min() > 0


def test_price_sensitive_people_pick_cheaper_products() -> None:
    catalogue, category = stock(7), np.zeros(5000, dtype=np.int64)
    drawn = uniform(np.arange(5000), "pick")
    means = [
        catalogue.price[catalogue.pick(category, drawn, np.full(5000, s))].mean() for s in (0.5, 1.0, 2.0)
    ]
    assert means[0] > means[1] > means[2]
