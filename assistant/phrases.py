"""Sentences that code says, in the languages of the interface.

They state facts, so no model words them: every value is filled in from a record.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from string import Formatter

from assistant.orders.sentences import SENTENCES
from assistant.types import Language

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def money(amount: Decimal, currency: str) -> str:
    """`$4.50`; three decimals only below a cent's precision, as for a price per ounce."""
    digits = 3 if 0 < amount < Decimal("0.1") and amount != round(amount, 2) else 2
    symbol = _SYMBOLS.get(currency)
    number = f"{amount:,.{digits}f}"
    return f"{symbol}{number}" if symbol else f"{number} {currency}"


def date(at: datetime, language: Language) -> str:
    if language == "zh":
        return f"{at.year}年{at.month}月{at.day}日"
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def phrase(language: Language, key: str, **values: object) -> str:
    """The sentence for `key`; KeyError for an unknown key or a value that is missing."""
    return PHRASES[key][0 if language == "en" else 1].format(**values)


def fields(key: str) -> tuple[set[str], set[str]]:
    """The values that the English and the Chinese sentence of `key` ask for."""
    english, chinese = PHRASES[key]
    return _fields(english), _fields(chinese)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


PHRASES: dict[str, tuple[str, str]] = {
    **SENTENCES,
    # search
    "search_found": (
        "Here is what I found for “{query}”{limit}.",
        "为您找到与“{query}”有关的商品{limit}：",
    ),
    "search_none": (
        "I found nothing for “{query}”{limit} in this shop.",
        "本店没有找到与“{query}”有关的商品{limit}。",
    ),
    "search_missing": (
        "I found nothing that says “{missing}”{limit}. The closest I have:",
        "没有找到标明“{missing}”的商品{limit}。最接近的是：",
    ),
    "from_price": (" from {amount}", "（不低于{amount}）"),
    "up_to_price": (" up to {amount}", "（不超过{amount}）"),
    "bought_once": ("You bought this once before", "您以前买过一次"),
    "bought_times": ("You bought this {count} times", "您买过{count}次"),
    # compare
    "compare_needs_two": (
        "Name two products, or ask after I have shown some, and I will set them side by side.",
        "请说出两件商品，或在看到商品后再让我比较。",
    ),
    "compare_one": ("{title} costs {price}.", "{title}的价格是{price}。"),
    "compare_one_unit": (
        "{title} costs {price}, which is {unit_price} per {unit}.",
        "{title}的价格是{price}，合每{unit} {unit_price}。",
    ),
    "compare_per_unit": (
        "Per {unit}, {title} costs the least.",
        "按每{unit}计算，{title}最便宜。",
    ),
    "compare_price": ("{title} has the lowest price.", "{title}的价格最低。"),
    # suggestions
    "suggest_buy_again": ("These are things you buy regularly.", "这些是您经常购买的商品："),
    "suggest_new_for_you": (
        "You have not bought these before; they go with what you buy.",
        "这些您还没有买过，与您平时的购物习惯相近：",
    ),
    "suggest_goes_with": (
        "Shoppers who buy {title} often buy these with it.",
        "购买{title}的顾客常常一起买这些：",
    ),
    "suggest_goes_with_cart": (
        "These go with what is in your cart.",
        "这些与您购物车里的商品常被一起购买：",
    ),
    "suggest_similar": ("These are like {title}.", "这些与{title}相似："),
    "suggest_popular": ("These are bought the most lately.", "这些是最近最受欢迎的商品："),
    "suggest_cold_guest": (
        "I do not know your purchases, so this is general: what other shoppers buy the most.",
        "我还不了解您的购买记录，所以这是一般推荐，即其他顾客买得最多的商品：",
    ),
    "suggest_cold": (
        "I have too few purchases of yours to go by, so this is general: "
        "what other shoppers buy the most.",
        "您的购买记录还太少，所以这是一般推荐，即其他顾客买得最多的商品：",
    ),
    "left_out": (
        "I left out what says “{words}” in its name or shelf; what is inside is on the label.",
        "名称或货架中标有“{words}”的商品已排除；成分请以包装标签为准。",
    ),
    "suggest_none": ("I have no suggestion for that.", "这方面我没有可推荐的商品。"),
    "suggest_none_in": (
        "I have no suggestion in “{category}”.",
        "在“{category}”里我没有可推荐的商品。",
    ),
    "suggest_no_anchor": (
        "Tell me which product you mean, and I will look for what suits it.",
        "请告诉我是哪件商品，我再为您寻找。",
    ),
    "suggest_no_anchor_named": (
        "I found no product “{product}” to start from.",
        "没有找到“{product}”这件商品。",
    ),
    "reason_once": ("You bought it once, on {last}", "您买过一次，{last}"),
    "reason_times": (
        "You bought it {count} times, last on {last}",
        "您买过{count}次，最近一次是{last}",
    ),
    "reason_rhythm": (
        "You bought it {count} times, usually every {days} days; last on {last}",
        "您买过{count}次，通常每{days}天一次，最近一次是{last}",
    ),
    "reason_bought_with": ("Often bought together with {title}", "常与{title}一起购买"),
    "reason_bought_by_similar": (
        "Shoppers who buy {title} buy it too",
        "购买{title}的顾客也会买",
    ),
    "reason_popular": ("Among the most bought lately", "近期热销"),
    "reason_popular_in": ("Among the most bought in {category}", "{category}类近期热销"),
    "reason_same_category": ("From the same shelf as {title}", "与{title}属于同类"),
    "reason_similar_text": ("Like {title}", "与{title}相似"),
    "reason_goes_with_cart": ("Goes with what is in your cart", "与您购物车里的商品常被一起购买"),
    # history
    "history_guest": (
        "I can only look at past purchases when you are signed in.",
        "登录后我才能查看您以前的购买记录。",
    ),
    "history_none": ("I see no purchases of yours in that time.", "这段时间里没有您的购买记录。"),
    "history_none_of": (
        "I see no purchase of “{query}” in your history.",
        "您的购买记录里没有“{query}”。",
    ),
    "history_found": ("This is what you bought.", "这些是您买过的商品："),
    "history_found_of": (
        "These purchases of yours match “{query}”.",
        "您的购买记录中与“{query}”有关的有：",
    ),
    # profile
    "profile_guest": (
        "You are not signed in, so I know nothing about you beyond this conversation.",
        "您还没有登录，除了这次对话，我对您一无所知。",
    ),
    "profile_none": (
        "I have no purchases of yours, so I know nothing about you beyond this conversation.",
        "没有您的购买记录，除了这次对话，我对您一无所知。",
    ),
    "profile_visit": (
        "Your record holds one visit, on {first}; products bought then: {purchases}.",
        "您的记录里有一次购物，时间是{first}，共{purchases}种商品。",
    ),
    "profile_visits": (
        "Your record holds {visits} visits from {first} to {last}, with {purchases} purchases.",
        "您的记录里有{visits}次购物，从{first}到{last}，共购买商品{purchases}次。",
    ),
    "profile_every": (
        "You usually come every {days} days (the middle of the gaps between {visits} visits).",
        "您通常每{days}天来一次（{visits}次购物间隔的中位数）。",
    ),
    "profile_every_day": (
        "You usually come every day (the middle of the gaps between {visits} visits).",
        "您通常每天都来（{visits}次购物间隔的中位数）。",
    ),
    "profile_weekday": (
        "{day} is your most frequent day: {count} of {visits} visits.",
        "您最常在{day}来：{visits}次中有{count}次。",
    ),
    "profile_next": (
        "By that rhythm your next visit would be on {next}.",
        "照此规律，下一次大约是{next}。",
    ),
    "profile_departments": (
        "Of {of} purchases most are from {shares}.",
        "{of}次购买中最多的是{shares}。",
    ),
    "profile_brands": ("By brand, of {of}: {shares}.", "按品牌，{of}次中有{shares}。"),
    "profile_share": ("{name} ({count})", "{name}（{count}次）"),
    "profile_comma": (", ", "、"),
    "profile_diet": (
        "{count} of {of} purchases say “{diet}”; I don't conclude anything from that.",
        "{of}次购买中有{count}次标有“{diet}”，我不会由此下结论。",
    ),
    "profile_prices": (
        "Half of what you buy costs from {low} to {high} at today's prices.",
        "按今天的价格，您购买的商品有一半在{low}到{high}之间。",
    ),
    "profile_source": (
        "All of this is counted from your own purchases here.",
        "以上都由您在本店的购买记录统计得出。",
    ),
    "profile_favourites": ("What you buy most:", "您最常买的："),
    "diet_gluten_free": ("gluten free", "无麸质"),
    "diet_lactose_free": ("lactose free", "无乳糖"),
    "diet_sugar_free": ("sugar free", "无糖"),
    "diet_plant_based": ("plant based", "植物基"),
    "diet_organic": ("organic", "有机"),
    "diet_low_fat": ("low fat", "低脂"),
    "diet_low_salt": ("low salt", "低盐"),
    "diet_decaffeinated": ("decaffeinated", "脱咖啡因"),
    "weekday_0": ("Monday", "星期一"),
    "weekday_1": ("Tuesday", "星期二"),
    "weekday_2": ("Wednesday", "星期三"),
    "weekday_3": ("Thursday", "星期四"),
    "weekday_4": ("Friday", "星期五"),
    "weekday_5": ("Saturday", "星期六"),
    "weekday_6": ("Sunday", "星期日"),
    # cart
    "cart_empty": ("Your cart is empty.", "您的购物车是空的。"),
    "cart_holds_one": (
        "Your cart holds one item and comes to {total}.",
        "购物车里有一件商品，合计{total}。",
    ),
    "cart_holds": (
        "Your cart holds {count} items and comes to {total}.",
        "购物车里有{count}件商品，合计{total}。",
    ),
    "cart_added": (
        "Added {quantity} × {title}. Your cart now comes to {total}.",
        "已加入{quantity}件{title}。购物车合计{total}。",
    ),
    "cart_removed": (
        "Took {title} out. Your cart now comes to {total}.",
        "已移除{title}。购物车合计{total}。",
    ),
    "cart_removed_last": (
        "Took {title} out. Your cart is empty now.",
        "已移除{title}，购物车现在是空的。",
    ),
    "cart_pick": (
        "Which of these shall I add? Nothing is in your cart from this yet.",
        "请选择要加入哪一件，目前还没有加入购物车：",
    ),
    "cart_which": (
        "More than one thing in your cart fits “{product}”; say which one.",
        "购物车里有多件商品与“{product}”相符，请说明是哪一件。",
    ),
    "cart_not_in": ("“{product}” is not in your cart.", "购物车里没有“{product}”。"),
    "cart_out_of_stock": (
        "{title} is out of stock, so I did not add it.",
        "{title}缺货，没有加入购物车。",
    ),
    "cart_quantity": (
        "{quantity} cannot be added: a cart holds from 1 to {most} of a product, "
        "and yours holds {held}.",
        "无法加入{quantity}件：每种商品可放1到{most}件，您已有{held}件。",
    ),
    # orders
    "orders_guest": (
        "I can only look at orders when you are signed in.",
        "登录后我才能查看您的订单。",
    ),
    "orders_none": ("I find no orders of yours.", "没有找到您的订单。"),
    "orders_none_such": (
        "I find no order {order_id} of yours. Check the number, or ask for your latest orders.",
        "没有找到您的订单{order_id}。请核对编号，或查询最近的订单。",
    ),
    "order_one": (
        "Order {order_id} of {placed}, {total}, {status}.",
        "订单{order_id}，{placed}下单，金额{total}，{status}。",
    ),
    "order_latest": (
        "Your latest order, {order_id} of {placed}, {total}, {status}.",
        "您最近的订单{order_id}，{placed}下单，金额{total}，{status}。",
    ),
    "status_placed": ("has been placed and is not packed yet", "已下单，尚未打包"),
    "status_packed": ("is packed and waits to leave the store", "已打包，等待发出"),
    "status_on_its_way": ("is on its way", "正在配送"),
    "status_delivered": ("has been delivered", "已送达"),
    "status_cancelled": ("has been cancelled", "已取消"),
    # changes of orders: what an effect is and what a rule forbids is in assistant/orders
    "orders_guest_change": (
        "I can only change orders and accounts when you are signed in.",
        "登录后我才能更改订单或账户。",
    ),
    "orders_which": (
        "Which order do you mean: {ids}? Nothing is changed yet.",
        "您指的是哪个订单：{ids}？目前没有任何更改。",
    ),
    "order_lacks": (
        "I see no “{product}” in order {order_id}. Say which of its items you mean.",
        "订单{order_id}中没有“{product}”，请说明是哪件商品。",
    ),
    "order_which_items": (
        "Which items of order {order_id} do you mean: {items}? Nothing is changed yet.",
        "您指的是订单{order_id}中的哪些商品：{items}？目前没有任何更改。",
    ),
    "address_which": (
        "Write the whole new address: street, city, state and code. Nothing is changed yet.",
        "请写出完整的新地址：街道、城市、州和邮编。目前没有任何更改。",
    ),
    "payment_which": (
        "Which way to pay do you mean: {methods}? Nothing is changed yet.",
        "您指的是哪种付款方式：{methods}？目前没有任何更改。",
    ),
    "payment_none": (
        "I see no other way to pay in your account, so nothing is changed.",
        "您的账户中没有其他付款方式，因此没有任何更改。",
    ),
    "exchange_which": (
        "Which of these shall {title} become? Nothing is changed yet.",
        "要把{title}换成哪一件？目前没有任何更改。",
    ),
    "exchange_none": (
        "I find no “{query}” that {title} could become.",
        "没有找到可以替换{title}的“{query}”。",
    ),
    "exchange_pairs": (
        "Say which becomes which: {items}; and {new_items}. Nothing is changed yet.",
        "请说明哪件换成哪件：{items}；以及{new_items}。目前没有任何更改。",
    ),
    # the record of a conversation, for a colleague
    "record_shopper": ("Shopper: {text}", "顾客：{text}"),
    "record_shown": ("Shown: {text}", "已展示：{text}"),
    "record_cart": ("Cart: {text}", "购物车：{text}"),
    "yes": ("Yes", "是"),
    "no": ("No", "不"),
    "change_ask": (
        "Shall I do this? Answer yes or no. Nothing is changed before your yes.",
        "要这样做吗？请回答“是”或“否”。在您确认之前不会有任何更改。",
    ),
    "change_done": ("Done.", "已完成。"),
    "change_declined": ("All right, nothing was changed.", "好的，没有任何更改。"),
    "change_expired": (
        "That was shown too long ago, so nothing was changed. Ask again and I will look anew.",
        "时间已过，因此没有任何更改。请重新提出，我会再查看。",
    ),
    "change_refused": ("Nothing was changed.", "没有任何更改。"),
    "change_done_before": (
        "That was done already, once; nothing more was changed.",
        "此前已经完成，没有再次更改。",
    ),
    "change_settled_before": (
        "That is settled already, and nothing was changed. Ask again if you want it.",
        "此前已经处理，没有任何更改。如有需要请重新提出。",
    ),
    "change_failed": (
        "Something went wrong on our side, and nothing was changed. Try again, or ask for a "
        "person; the reference is {reference}.",
        "我们这边出了问题，没有任何更改。请重试或转接人工，参考编号{reference}。",
    ),
    # help
    "help_found": ("From our help pages:", "以下摘自本店的帮助文章（原文为英文）："),
    "help_none": (
        "I don't know: no help page of this shop covers that. "
        "I can give this conversation to a colleague if you like.",
        "这个问题本店的帮助文章里没有写，我不清楚。如果您愿意，我可以转给同事。",
    ),
    # hand-off
    "handed_off": (
        "This conversation is now marked as waiting for a colleague, "
        "with what we have said so far. You can go on writing here.",
        "此对话已标记为等待同事处理，并附上了之前的内容。您可以继续在这里留言。",
    ),
    "offer_person": (
        "If you would rather speak with a person, press “Talk to a person” below.",
        "如果您希望与真人沟通，请点击下方的“转接人工”。",
    ),
    # talk
    "talk": (
        "I am the shop's automatic assistant. I can help you find products, suggest some, "
        "look at your cart and orders, and look up the shop's rules.",
        "我是本店的自动助手。我可以帮您找商品、推荐商品、查看购物车和订单，也可以查询本店的规定。",
    ),
    "deadline": (
        "That took too long, so this is what I have. Ask again, or ask for a person.",
        "用时过长，以上是目前的结果。您可以再问一次，或转接人工。",
    ),
    "no_answer": (
        "I could not work that out. Say it another way, or ask for a person.",
        "我没能理解。请换一种说法，或转接人工。",
    ),
    "failed": (
        "Something went wrong on our side and your message is kept. Try again, or ask for a "
        "person; the reference is {reference}.",
        "我们这边出了问题，您的消息已保存。请重试或转接人工，参考编号{reference}。",
    ),
}
