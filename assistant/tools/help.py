"""The shop's rules and help, in the articles' own sentences."""

from __future__ import annotations

from assistant.tools.context import Context
from assistant.types import Citation, ToolResult

ARTICLES = 2
SENTENCES = 6


def search_help(context: Context, query: str) -> ToolResult:
    """Look up the shop's rules: delivery, returns, payment, coupons, account, privacy and so on.
    query: the question, in English.
    """
    found = context.shop.retrieval.help.search(query, k=ARTICLES)
    if not found:
        return ToolResult(False, context.phrase("help_none"), verbatim=True)
    ranked = sorted(
        (
            (score, number, position)
            for number, hit in enumerate(found)
            for position, score in enumerate(hit.sentence_scores)
        ),
        key=lambda each: -each[0],
    )[:SENTENCES]
    citations = []
    for _, number, position in ranked:
        article = context.shop.catalogue.article(found[number].article_id)
        citations.append(
            Citation(
                f"H{number + 1}.{position + 1}",
                article.article_id,
                article.title,
                article.sentences[position],
            )
        )
    return ToolResult(True, context.phrase("help_found"), citations=tuple(citations))
