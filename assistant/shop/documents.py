"""The catalogue as search reads it."""

from __future__ import annotations

from assistant.shop.catalogue import Catalogue
from retrieval.help import HelpArticle
from retrieval.types import ProductEntry


def product_entries(catalogue: Catalogue) -> list[ProductEntry]:
    return [
        ProductEntry(
            product_id=each.product.product_id,
            title=each.product.title,
            text=each.product.description,
            category=each.product.category,
            brand=each.product.brand,
            price=each.product.price,
            popularity=each.bought,
            in_stock=each.product.in_stock,
            group=each.group,
        )
        for each in catalogue.all_products()
    ]


def help_articles(catalogue: Catalogue) -> list[HelpArticle]:
    return [HelpArticle(a.article_id, a.title, a.sentences) for a in catalogue.articles()]
