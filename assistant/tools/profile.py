"""What the shop's data say of the shopper, shown on request."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from assistant.shop.catalogue import Catalogue, group_of
from assistant.tools.context import Context
from assistant.types import ToolResult
from recommender.profile import Bought, Favourite, Profile


def view_profile(context: Context) -> ToolResult:
    """Tell the shopper what is known about them."""
    if context.shopper.customer_id is None:
        return ToolResult(False, context.phrase("profile_guest"), verbatim=True)
    profile = profile_of(context.shop.catalogue, context.shopper.customer_id)
    if not profile.visits:
        return ToolResult(False, context.phrase("profile_none"), verbatim=True)
    favourites = {each.product_id: each for each in profile.favourites}
    cards = context.cards(
        favourites, lambda product: _favourite(context, favourites[product.product_id])
    )
    gap = "" if context.language == "zh" else " "
    note = gap.join(_statements(context, profile))
    return ToolResult(True, note, products=cards, verbatim=True)


def profile_of(catalogue: Catalogue, customer_id: str) -> Profile:
    """A customer's, from purchases of products that are still sold."""
    purchases = catalogue.purchases(customer_id)
    ids = list(dict.fromkeys(each.product_id for each in purchases))
    products = {each.product_id: each for each in catalogue.products(ids)}
    zone = catalogue.clock.now().tzinfo
    return Profile.of(
        (
            Bought(
                product.product_id,
                product.title,
                group_of(product),
                product.category,
                product.brand,
                float(product.price),
                each.at.astimezone(zone),
            )
            for each in purchases
            if (product := products.get(each.product_id))
        ),
        catalogue.clock.now(),
    )


def _statements(context: Context, profile: Profile) -> Iterator[str]:
    """Sentences in the shopper's language, each with the counts behind it."""
    if profile.first_at and profile.last_at:
        yield context.phrase(
            "profile_visits" if profile.visits > 1 else "profile_visit",
            visits=profile.visits,
            purchases=profile.purchases,
            first=context.date(profile.first_at),
            last=context.date(profile.last_at),
        )
    yield from _rhythm(context, profile)
    for key, shares in (
        ("profile_departments", profile.departments),
        ("profile_brands", profile.brands),
    ):
        if shares:
            parts = [
                context.phrase("profile_share", name=each.name, count=each.count) for each in shares
            ]
            listed = context.phrase("profile_comma").join(parts)
            yield context.phrase(key, shares=listed, of=shares[0].of)
    for share in profile.diets:
        diet = context.phrase(f"diet_{share.name}")
        yield context.phrase("profile_diet", diet=diet, count=share.count, of=share.of)
    if profile.prices:
        currency = context.shop.catalogue.info.currency
        yield context.phrase(
            "profile_prices",
            low=context.amount(Decimal(f"{profile.prices.low:.2f}"), currency),
            high=context.amount(Decimal(f"{profile.prices.high:.2f}"), currency),
        )
    yield context.phrase("profile_source")
    if profile.favourites:
        yield context.phrase("profile_favourites")


def _rhythm(context: Context, profile: Profile) -> Iterator[str]:
    rhythm = profile.rhythm
    if rhythm is None:
        return
    key = "profile_every_day" if rhythm.every_days == 1 else "profile_every"
    yield context.phrase(key, days=rhythm.every_days, visits=rhythm.visits)
    if rhythm.weekday is not None:
        day = context.phrase(f"weekday_{rhythm.weekday}")
        yield context.phrase(
            "profile_weekday", day=day, count=rhythm.on_weekday, visits=rhythm.visits
        )
    if rhythm.next_at:
        yield context.phrase("profile_next", next=context.date(rhythm.next_at))


def _favourite(context: Context, favourite: Favourite) -> str:
    key = "reason_rhythm" if favourite.every_days else "reason_times"
    return context.phrase(
        key,
        count=favourite.times,
        days=favourite.every_days or 0,
        last=context.date(favourite.last_at),
    )
