"""What is said about changes of orders: see `assistant.phrases`, which these are part of.

A status is a predicate: "has been delivered", "is packed and waits to leave the store".
"""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    "or": (" or ", "或"),
    "status_return_requested": (
        "has been delivered, and a return is on its way back",
        "已送达，并已申请退货",
    ),
    "status_exchange_requested": (
        "has been delivered, and an exchange was asked for",
        "已送达，并已申请换货",
    ),
    "status_pending": ("is pending and not processed yet", "待处理"),
    "status_items_changed": (
        "is pending, with its items changed already",
        "待处理，商品已更改过",
    ),
    "status_processed": ("has been processed and will be shipped", "已处理，即将发货"),
    # ways to pay
    "method_card": ("{brand} ending in {last_four}", "{brand}（尾号{last_four}）"),
    "method_credit_card": ("your credit card", "您的信用卡"),
    "method_debit_card": ("your debit card", "您的借记卡"),
    "method_paypal": ("your PayPal account", "您的PayPal账户"),
    "method_gift_card": ("your gift card", "您的礼品卡"),
    "method_invoice": ("your invoice", "您的账单"),
    "method_other": ("the way you paid", "您的付款方式"),
    # what a change does
    "effect_cancel_order": (
        "Order {order_id} will be cancelled, all of it:",
        "将取消整个订单{order_id}：",
    ),
    "effect_change_order_items": (
        "Items of order {order_id} will be changed:",
        "将更改订单{order_id}中的商品：",
    ),
    "effect_change_order_address": (
        "Order {order_id} will be delivered to another address.",
        "订单{order_id}将改送到另一地址。",
    ),
    "effect_change_order_payment": (
        "Order {order_id} will be paid another way.",
        "订单{order_id}将改用另一种付款方式。",
    ),
    "effect_return_items": (
        "Items of order {order_id} will be marked for return:",
        "将为订单{order_id}中的以下商品申请退货：",
    ),
    "effect_exchange_items": (
        "Items of order {order_id} will be marked for exchange:",
        "将为订单{order_id}中的以下商品申请换货：",
    ),
    "effect_change_address": (
        "The address of your account will be changed; orders already placed keep theirs.",
        "将更改您账户的地址，已下的订单不受影响。",
    ),
    "effect_address": ("New address: {address}", "新地址：{address}"),
    "effect_address_before": ("Until now: {address}", "原地址：{address}"),
    "effect_item": ("{quantity} × {title}, {price} each", "{quantity}件{title}，单价{price}"),
    "effect_item_becomes": (
        "{quantity} × {title}, {price} each, becomes {new_title}, {new_price} each",
        "{quantity}件{title}（单价{price}）换成{new_title}（单价{new_price}）",
    ),
    "effect_item_taken_out": (
        "{quantity} × {title}, {price} each, is taken out",
        "取出{quantity}件{title}，单价{price}",
    ),
    "effect_total": ("The order then comes to {total}.", "更改后订单金额为{total}。"),
    "effect_final": (
        "The items of an order can be changed once, so this cannot be done again.",
        "每个订单的商品只能更改一次，此后不能再改。",
    ),
    "move_charge": ("{amount} is charged to {method} now.", "现从{method}收取{amount}。"),
    "move_charge_after_receipt": (
        "{amount} is charged to {method} when the exchange is made.",
        "换货完成时从{method}收取{amount}。",
    ),
    "move_refund": ("{amount} goes back to {method}", "{amount}将退回{method}"),
    "move_refund_after_receipt": (
        "Once we have the items back, {amount} goes to {method}",
        "收到退回的商品后，{amount}将退到{method}",
    ),
    "move_days": (", within {days} business days.", "，需{days}个工作日。"),
    "move_at_once": (" at once.", "，立即到账。"),
    "move_hold": (
        "{amount} is held on {method} and charged when the order is packed.",
        "将在{method}预授权{amount}，打包时收取。",
    ),
    "move_release": (
        "{method} is not charged: the hold of {amount} is released.",
        "不会从{method}扣款，{amount}的预授权将被解除。",
    ),
    # what a rule forbids
    "refused_no_such_order": (
        "I find no order {order_id} of yours; check the number, or ask for your latest orders.",
        "没有找到您的订单{order_id}，请核对编号，或查询最近的订单。",
    ),
    "refused_not_offered_cancel_order": (
        "Orders cannot be cancelled in this chat; ask for a person.",
        "无法在此对话中取消订单，请转接人工。",
    ),
    "refused_not_offered_change_order_items": (
        "The items of an order cannot be changed in this chat; ask for a person.",
        "无法在此对话中更改订单商品，请转接人工。",
    ),
    "refused_not_offered_change_order_address": (
        "The address of an order cannot be changed in this chat; ask for a person.",
        "无法在此对话中更改订单地址，请转接人工。",
    ),
    "refused_not_offered_change_order_payment": (
        "The payment of an order cannot be changed in this chat; ask for a person.",
        "无法在此对话中更改订单付款方式，请转接人工。",
    ),
    "refused_not_offered_return_items": (
        "Items cannot be returned in this chat; ask for a person.",
        "无法在此对话中申请退货，请转接人工。",
    ),
    "refused_not_offered_exchange_items": (
        "This shop does not exchange items in this chat; ask for a person.",
        "本店无法在此对话中换货，请转接人工。",
    ),
    "refused_not_offered_change_address": (
        "The address of an account cannot be changed in this chat; ask for a person.",
        "无法在此对话中更改账户地址，请转接人工。",
    ),
    "refused_state_cancel_order": (
        "Order {order_id} {status}; only an order that {statuses} can be cancelled.",
        "订单{order_id}{status}。只有状态为“{statuses}”的订单可以取消。",
    ),
    "refused_state_change_order_items": (
        "Order {order_id} {status}; items can be changed only while an order {statuses}.",
        "订单{order_id}{status}。只有状态为“{statuses}”的订单可以更改商品。",
    ),
    "refused_state_change_order_address": (
        "Order {order_id} {status}; its address can be changed only while it {statuses}.",
        "订单{order_id}{status}。只有状态为“{statuses}”的订单可以更改地址。",
    ),
    "refused_state_change_order_payment": (
        "Order {order_id} {status}; its payment can be changed only while it {statuses}.",
        "订单{order_id}{status}。只有状态为“{statuses}”的订单可以更改付款方式。",
    ),
    "refused_state_return_items": (
        "Order {order_id} {status}; only items of an order that {statuses} can be returned.",
        "订单{order_id}{status}。只有状态为“{statuses}”的订单可以退货。",
    ),
    "refused_state_exchange_items": (
        "Order {order_id} {status}; only items of an order that {statuses} can be exchanged.",
        "订单{order_id}{status}。只有状态为“{statuses}”的订单可以换货。",
    ),
    "refused_return_requested": (
        "A return was already asked for on order {order_id}, and an order can have only one "
        "return or exchange.",
        "订单{order_id}已申请退货，每个订单只能退货或换货一次。",
    ),
    "refused_exchange_requested": (
        "An exchange was already asked for on order {order_id}, and an order can have only one "
        "return or exchange.",
        "订单{order_id}已申请换货，每个订单只能退货或换货一次。",
    ),
    "refused_once": (
        "The items of order {order_id} were changed before, and that is possible only once.",
        "订单{order_id}的商品已更改过，每个订单只能更改一次。",
    ),
    "refused_too_late": (
        "Order {order_id} could be changed until {hours} hours before its delivery slot, "
        "which was {latest}.",
        "订单{order_id}只能在配送时段开始前{hours}小时之前更改，截止时间为{latest}。",
    ),
    "refused_return_window": (
        "Order {order_id} was delivered on {delivered}; items can be returned for {days} days "
        "after that.",
        "订单{order_id}于{delivered}送达，退换期限为送达后{days}天。",
    ),
    "refused_delivery_unknown": (
        "I cannot see when order {order_id} was delivered, and returns are possible for {days} "
        "days after that; ask for a person.",
        "无法确认订单{order_id}的送达日期，退换期限为送达后{days}天，请转接人工。",
    ),
    "refused_reason": (
        "Order {order_id} can be cancelled for one of these reasons: {reasons}. Say which it is.",
        "取消订单{order_id}需要说明以下原因之一：{reasons}。",
    ),
    "refused_no_items": (
        "Say which items of order {order_id} you mean; none is named.",
        "请说明订单{order_id}中的哪些商品，目前没有指定。",
    ),
    "refused_too_many_items": (
        "No more than {most} items can be named at once.",
        "一次最多可指定{most}件商品。",
    ),
    "refused_not_in_order": (
        "“{product}” is not in order {order_id}.",
        "订单{order_id}中没有“{product}”。",
    ),
    "refused_quantity": (
        "{quantity} of {title} is not possible; order {order_id} has {held}, and the least is 1.",
        "数量{quantity}无效：订单{order_id}中有{held}件{title}，最少为1。",
    ),
    "refused_too_many": (
        "Order {order_id} has {held} of {title}, so {quantity} is too many.",
        "订单{order_id}中只有{held}件{title}，无法处理{quantity}件。",
    ),
    "refused_no_new_item": (
        "Say what {title} shall become.",
        "请说明{title}要换成什么。",
    ),
    "refused_same_item": (
        "{title} is what you have; choose another option of the same product.",
        "{title}就是现有的商品，请选择同一商品的其他选项。",
    ),
    "refused_not_sold": (
        "“{product}” is not a product of this shop.",
        "本店没有“{product}”这件商品。",
    ),
    "refused_not_variants": (
        "{title} can only become another option of the same product, and {new_title} is not one.",
        "{title}只能换成同一商品的其他选项，{new_title}不是。",
    ),
    "refused_not_category": (
        "{title} can only become a product of the same category, and {new_title} is not one.",
        "{title}只能换成同一类别的商品，{new_title}不是。",
    ),
    "refused_out_of_stock": ("{title} is out of stock.", "{title}缺货。"),
    "refused_would_be_empty": (
        "That would leave nothing in order {order_id}; you can cancel the order instead.",
        "这样订单{order_id}就没有商品了，您可以取消订单。",
    ),
    "refused_not_returnable": (
        "{title} cannot be returned: the shop does not take back “{category}”.",
        "{title}不能退货，“{category}”类商品不可退。",
    ),
    "refused_no_such_payment": (
        "“{payment}” is not a way to pay of your account; yours are: {methods}.",
        "您的账户没有“{payment}”这种付款方式，现有：{methods}。",
    ),
    "refused_no_payment": (
        "Say how order {order_id} shall be paid instead: {methods}.",
        "请说明订单{order_id}要改用哪种付款方式：{methods}。",
    ),
    "refused_same_payment": (
        "Order {order_id} is paid with {method} already; choose another way to pay.",
        "订单{order_id}现在就是用{method}付款，请选择其他方式。",
    ),
    "refused_payment_once": (
        "The payment of order {order_id} cannot be changed, because it has more than one entry "
        "already.",
        "订单{order_id}已有多笔付款记录，不能再更改付款方式。",
    ),
    "refused_gift_card_balance": (
        "The gift card holds {balance}, which does not cover {amount}; choose another way to pay.",
        "礼品卡余额{balance}，不足以支付{amount}，请选择其他付款方式。",
    ),
    "refused_refund_to_gift_card": (
        "A refund goes to the way order {order_id} was paid, or to a gift card of yours.",
        "订单{order_id}的退款只能退回原付款方式或您的礼品卡。",
    ),
    "refused_refund_to_original": (
        "A refund goes back to the way order {order_id} was paid.",
        "订单{order_id}的退款只能退回原付款方式。",
    ),
    "refused_same_address": (
        "{address} is the address already.",
        "现在的地址就是{address}。",
    ),
    "refused_address_missing": (
        "An address needs at least a street and a city; say the whole address.",
        "地址至少需要街道和城市，请说明完整地址。",
    ),
    "refused_address_text": (
        "That address cannot be used; each part may have up to {most} plain characters.",
        "该地址无法使用，每一部分最多{most}个普通字符。",
    ),
    "refused_changed_since": (
        "The order has changed since this was shown, so nothing was done; look at it anew.",
        "订单在显示之后有变动，因此没有执行，请重新查看。",
    ),
}
