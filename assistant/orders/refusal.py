"""A change that a rule of the shop forbids."""

from __future__ import annotations

from typing import Any

from assistant.errors import Conflict
from assistant.orders.wording import spoken
from assistant.types import Language


class Refusal(Conflict):
    """`rule` names the rule, `sentence` says it, `article_id` is the help article to cite ("" if
    the shop has none). Another shopper's order is refused like one that does not exist."""

    def __init__(self, rule: str, article_id: str = "", currency: str = "", **values: Any) -> None:
        self.rule = rule
        self.article_id = article_id
        self._currency = currency
        self._values = values
        super().__init__(self.sentence("en"))

    def sentence(self, language: str) -> str:
        """The rule in one plain sentence or two, with the order's own facts filled in."""
        known: Language = "zh" if language == "zh" else "en"
        return spoken(known, f"refused_{self.rule}", self._currency, **self._values)
