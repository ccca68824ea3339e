"""What the benchmark's own retail tools do to its database, written anew from what is published
about them (tau2-bench, domains/retail: the policy, the tools' descriptions and their behaviour).

It works on plain db.json and shares nothing with Aisle. Amounts are compared to the cent: the
benchmark adds binary floats and rounds some of the sums only.
"""

from __future__ import annotations

from typing import Any

Arguments = dict[str, Any]


class NotAllowed(Exception):
    """The tool answers with an error and changes nothing."""


class Retail:
    """`slip`: as tau2-bench's tool has it, when several items of a pending order are modified all
    of them get the price and the options of the last new item; tau-bench gives each its own."""

    def __init__(self, db: dict[str, Any], *, slip: bool = False) -> None:
        self.db = db
        self.slip = slip

    def call(self, name: str, given: Arguments) -> None:
        write = getattr(self, name, None)
        if write is not None:
            write(given)

    def cancel_pending_order(self, given: Arguments) -> None:
        order = self._order(given, "pending")
        if given["reason"] not in ("no longer needed", "ordered by mistake"):
            raise NotAllowed("reason")
        history = order["payment_history"]
        for entry in list(history):
            self._entry(order, "refund", entry["amount"], entry["payment_method_id"])
            self._card(order, entry["payment_method_id"], entry["amount"])
        order["status"] = "cancelled"
        order["cancel_reason"] = given["reason"]

    def modify_pending_order_items(self, given: Arguments) -> None:
        order = self._order(given, "pending")
        variants = self._new_variants(order, given, same=False)
        difference = self._difference(order, given, variants)
        method = self._covers(order, given["payment_method_id"], difference)
        kind = "payment" if difference > 0 else "refund"
        self._entry(order, kind, abs(difference), method)
        self._card(order, method, -difference)
        for old, variant in zip(given["item_ids"], variants, strict=True):
            item = next(each for each in order["items"] if each["item_id"] == old)
            told = variants[-1] if self.slip else variant
            item.update(
                item_id=variant["item_id"], price=told["price"], options=dict(told["options"])
            )
        order["status"] = "pending (item modified)"

    def modify_pending_order_address(self, given: Arguments) -> None:
        self._order(given, "pending")["address"] = _address(given)

    def modify_pending_order_payment(self, given: Arguments) -> None:
        order = self._order(given, "pending")
        if [each["transaction_type"] for each in order["payment_history"]] != ["payment"]:
            raise NotAllowed("more than one payment")
        first = order["payment_history"][0]
        old, amount = first["payment_method_id"], first["amount"]
        if given["payment_method_id"] == old:
            raise NotAllowed("the same method")
        new = self._covers(order, given["payment_method_id"], amount)
        self._entry(order, "payment", amount, new)
        self._entry(order, "refund", amount, old)
        self._card(order, new, -amount)
        self._card(order, old, amount)

    def modify_user_address(self, given: Arguments) -> None:
        self.db["users"][given["user_id"]]["address"] = _address(given)

    def return_delivered_order_items(self, given: Arguments) -> None:
        order = self._order(given, "delivered")
        method = given["payment_method_id"]
        known = self._methods(order)
        if method not in known:
            raise NotAllowed("payment method")
        original = order["payment_history"][0]["payment_method_id"]
        if known[method]["source"] != "gift_card" and method != original:
            raise NotAllowed("refund to another method")
        self._held(order, given["item_ids"])
        order["status"] = "return requested"
        order["return_items"] = sorted(given["item_ids"])
        order["return_payment_method_id"] = method

    def exchange_delivered_order_items(self, given: Arguments) -> None:
        order = self._order(given, "delivered")
        variants = self._new_variants(order, given, same=True)
        difference = self._difference(order, given, variants)
        method = self._covers(order, given["payment_method_id"], difference)
        order["status"] = "exchange requested"
        order["exchange_items"] = sorted(given["item_ids"])
        order["exchange_new_items"] = sorted(given["new_item_ids"])
        order["exchange_payment_method_id"] = method
        order["exchange_price_difference"] = difference

    def _order(self, given: Arguments, status: str) -> dict[str, Any]:
        order: dict[str, Any] = self.db["orders"][given["order_id"]]
        if order["status"] != status:
            raise NotAllowed(order["status"])
        return order

    def _methods(self, order: dict[str, Any]) -> dict[str, Any]:
        methods: dict[str, Any] = self.db["users"][order["user_id"]]["payment_methods"]
        return methods

    def _held(self, order: dict[str, Any], item_ids: list[str]) -> None:
        held = [each["item_id"] for each in order["items"]]
        for item_id in item_ids:
            if item_ids.count(item_id) > held.count(item_id):
                raise NotAllowed(item_id)

    def _new_variants(
        self, order: dict[str, Any], given: Arguments, *, same: bool
    ) -> list[dict[str, Any]]:
        self._held(order, given["item_ids"])
        variants = []
        for old, new in zip(given["item_ids"], given["new_item_ids"], strict=True):
            item = next(each for each in order["items"] if each["item_id"] == old)
            variant = self.db["products"][item["product_id"]]["variants"].get(new)
            if (old == new and not same) or variant is None or not variant["available"]:
                raise NotAllowed(new)
            variants.append(variant)
        return variants

    def _difference(
        self, order: dict[str, Any], given: Arguments, variants: list[dict[str, Any]]
    ) -> float:
        prices = {each["item_id"]: each["price"] for each in order["items"]}
        pairs = zip(given["item_ids"], variants, strict=True)
        return float(round(sum(new["price"] - prices[old] for old, new in pairs), 2))

    def _covers(self, order: dict[str, Any], method: str, amount: float) -> str:
        known = self._methods(order)
        if method not in known:
            raise NotAllowed("payment method")
        if known[method]["source"] == "gift_card" and known[method]["balance"] < amount:
            raise NotAllowed("balance")
        return method

    def _entry(self, order: dict[str, Any], kind: str, amount: float, method: str) -> None:
        order["payment_history"].append(
            {"transaction_type": kind, "amount": amount, "payment_method_id": method}
        )

    def _card(self, order: dict[str, Any], method: str, amount: float) -> None:
        known = self._methods(order)[method]
        if known["source"] == "gift_card":
            known["balance"] = round(known["balance"] + amount, 2)


def _address(given: Arguments) -> dict[str, str]:
    return {
        each: given[each] for each in ("address1", "address2", "city", "country", "state", "zip")
    }
