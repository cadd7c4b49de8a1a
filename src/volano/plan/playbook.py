"""The playbook: known ideas per kind of leak, with prior effect and effort.

The priors are relative lifts on the share that orders among those who see the idea. They are deliberately
modest: public collections of shop experiments put the typical winning change at 2 to 10 %, and most changes
near nothing. Verdicts replace them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from volano.domain.idea import Belief, Content, Recipe
from volano.errors import NotFound

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        key="cart-discount-10",
        kind="cart",
        title="10 % off for {slice}, before they leave the basket",
        why="A basket is often left because the total is a surprise; a small saving answers it.",
        format="popup",
        then="exit",
        value=0,
        content=Content(
            headline="Take 10 % off your basket",
            body="For everything you have picked.",
            button="Use the code",
            coupon="BASKET10",
        ),
        lift=0.08,
        lift_sd=0.06,
        effort=0.5,
    ),
    Recipe(
        key="free-delivery-bar",
        kind="cart",
        title="Free-delivery bar for {slice}",
        why="Delivery cost is the most named reason to leave a basket; say early that it is free.",
        format="bar",
        then="now",
        value=0,
        content=Content(headline="Free delivery on your order"),
        lift=0.08,
        lift_sd=0.05,
        effort=0.25,
    ),
    Recipe(
        key="cheaper-alternatives",
        kind="cart",
        title="Cheaper alternatives for {slice}",
        why="Who finds the price too high may still want the thing.",
        format="popup",
        then="exit",
        value=0,
        content=Content(
            headline="The same, for less",
            body="Look at similar products at a lower price.",
            button="Show me",
            href="/sale",
        ),
        lift=0.04,
        lift_sd=0.05,
        effort=2,
    ),
    Recipe(
        key="basket-reminder",
        kind="cart",
        title="Reminder of the basket for {slice}",
        why="Many leave because something came between, not because they changed their mind.",
        format="bar",
        then="seconds",
        value=20,
        content=Content(headline="Your basket is waiting", button="Go to the basket", href="/cart"),
        lift=0.05,
        lift_sd=0.05,
        effort=0.5,
    ),
    Recipe(
        key="one-question-survey",
        kind="cart",
        title="Ask {slice} one question: what keeps you?",
        why="It sells nothing by itself; it asks. Each answer is kept as `choice` of Campaign Clicked.",
        format="popup",
        then="exit",
        value=0,
        content=Content(
            headline="What keeps you from ordering?",
            choices=("Delivery cost", "The price", "I am only looking", "Something did not work"),
        ),
        lift=0.0,
        lift_sd=0.04,
        effort=0.25,
    ),
    Recipe(
        key="checkout-reassurance",
        kind="checkout",
        title="Safe-payment and easy-return note for {slice} at checkout",
        why="At the last step people ask whether it is safe and whether they can send it back.",
        format="bar",
        then="now",
        value=0,
        content=Content(headline="Safe payment · free returns within 30 days"),
        lift=0.08,
        lift_sd=0.06,
        effort=0.25,
    ),
    Recipe(
        key="source-welcome",
        kind="source",
        title="Landing message for {slice}",
        why="Who comes from one place expects what was promised there.",
        format="bar",
        then="now",
        value=0,
        content=Content(headline="Welcome! What you saw is right here", button="Show me", href="/sale"),
        lift=0.05,
        lift_sd=0.05,
        effort=0.5,
    ),
    Recipe(
        key="first-order-coupon",
        kind="new",
        title="Newsletter with first-order coupon for {slice}",
        why="A first order is the hardest; an address to write to is worth having even without it.",
        format="popup",
        then="seconds",
        value=15,
        content=Content(
            headline="10 % off your first order",
            body="Sign up for our letter; the code is good for your first basket.",
            button="Sign up",
            href="/newsletter",
            coupon="WELCOME10",
        ),
        lift=0.07,
        lift_sd=0.06,
        effort=0.5,
    ),
    Recipe(
        key="product-bestsellers",
        kind="product",
        title="Best-sellers for {slice}",
        why="Who does not find a thing to look at may like what others like.",
        format="popup",
        then="exit",
        value=0,
        content=Content(headline="What others love", button="Show best-sellers", href="/best"),
        lift=0.04,
        lift_sd=0.05,
        effort=1,
    ),
    Recipe(
        key="trust-badges-bar",
        kind="product",
        title="Ratings-and-returns bar for {slice}",
        why="A product page must earn trust before it earns a basket.",
        format="bar",
        then="now",
        value=0,
        content=Content(headline="Read what others say of it · 30 days to return"),
        lift=0.04,
        lift_sd=0.04,
        effort=0.25,
    ),
)

_BY_KEY = {recipe.key: recipe for recipe in RECIPES}


def recipe(key: str) -> Recipe:
    """The recipe of that key, or NotFound."""
    if key not in _BY_KEY:
        raise NotFound(f"the playbook has no idea {key!r}; it has {', '.join(_BY_KEY)}")
    return _BY_KEY[key]


def prior(key: str) -> Belief:
    """What the playbook believes of an idea before any verdict.

    >>> prior("free-delivery-bar").mean
    0.08
    """
    known = recipe(key)
    return Belief(recipe=key, mean=known.lift, sd=known.lift_sd, note="playbook")


def believed(beliefs: Iterable[Belief], key: str) -> Belief:
    """What is believed of an idea now: what verdicts left, else the prior."""
    return next((belief for belief in beliefs if belief.recipe == key), None) or prior(key)


def kinds(position: int, steps: int, slice_: Mapping[str, str]) -> tuple[str, ...]:
    """The kinds of leak at the step of that index (of `steps` in the journey) in that slice.

    A journey's last transition is the checkout, the one or two before it the basket, the first the landing.

    >>> kinds(3, 5, {"source": "instagram / social"})
    ('checkout', 'cart', 'source')
    >>> kinds(0, 5, {"visitor": "new"})
    ('new', 'product')
    """
    found: list[str] = []
    left = steps - 2 - position  # transitions after this one
    if left == 0:
        found.append("checkout")
    if left <= 1 and position > 0:
        found.append("cart")
    if "source" in slice_ or "landing" in slice_:
        found.append("source")
    if slice_.get("visitor") == "new":
        found.append("new")
    if not {"checkout", "cart"} & set(found):
        found.append("product")
    return tuple(found)


def against(position: int, steps: int, slice_: Mapping[str, str]) -> tuple[Recipe, ...]:
    """The recipes of the playbook against such a leak, in its own order."""
    wanted = kinds(position, steps, slice_)
    return tuple(known for known in RECIPES if known.kind in wanted)
