"""The interface's own words, in its languages. What the assistant says is in `phrases.py`."""

from __future__ import annotations

from assistant.types import Language

_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Shopping assistant", "购物助手"),
    "hello": ("Hello! What are you looking for?", "您好！请问需要什么？"),
    "hello_more": (
        "Ask for a product, a suggestion, your orders, or how something works here.",
        "可以找商品、要推荐、查订单，或询问本店的规定。",
    ),
    "write": ("Write a message", "输入消息"),
    "send": ("Send", "发送"),
    "stop": ("Stop", "停止"),
    "new": ("New conversation", "新对话"),
    "person": ("Talk to a person", "转接人工"),
    "waiting_place": (
        "This conversation is waiting for a colleague: number {place} in line. "
        "You can go on writing.",
        "此对话正在等待同事处理，当前排在第{place}位，您可以继续留言。",
    ),
    "nobody_there": ("Nobody is at the desk at this moment.", "目前没有同事在线。"),
    "closed": ("The desk is closed at this hour.", "现在不是客服时间。"),
    "desk_hours": ("Its hours are {first} to {last}.", "客服时间为{first}至{last}。"),
    "email_kept": (
        "{email} is kept with this conversation for whoever opens it.",
        "已随此对话保存您的邮箱{email}，供处理的同事查看。",
    ),
    "email_label": ("Your e-mail address", "您的邮箱"),
    "email_leave": ("Leave it for the colleague", "留给同事"),
    "with_staff": ("{colleague} has this conversation.", "{colleague}正在为您服务。"),
    "resolved": (
        "This was marked as resolved. Writing opens it again.",
        "此对话已结束，发送消息即可重新打开。",
    ),
    "back_to_assistant": ("Go on with the assistant", "继续使用自动助手"),
    "rate_person": ("How was the help?", "您对本次服务满意吗？"),
    "star": ("of 5", "分（满分5分）"),
    "thanks_rated": ("Thank you, that is kept.", "谢谢，已记录。"),
    "typing": ("{by} is writing", "{by}正在输入"),
    "cart": ("Cart", "购物车"),
    "cart_empty": ("Your cart is empty.", "购物车是空的。"),
    "total": ("Total", "合计"),
    "add": ("Add to cart", "加入购物车"),
    "added": ("Added", "已加入"),
    "out_of_stock": ("Out of stock", "缺货"),
    "fewer": ("One fewer of", "减少一件"),
    "more_of": ("One more of", "增加一件"),
    "remove": ("Remove", "移除"),
    "close": ("Close", "关闭"),
    "guest": ("Guest", "访客"),
    "guest_more": ("Shop without an account.", "不登录，直接购物。"),
    "speak_as": ("Speak as", "以此身份购物"),
    "samples": (
        "This is a demonstration: try it as a guest, or as a real household of the data.",
        "这是演示：您可以作为访客，也可以作为数据中的真实家庭来试用。",
    ),
    "household": ("Household", "家庭"),
    "language": ("中文", "English"),
    "thinking": ("Reading your message", "正在阅读您的消息"),
    "doing_products": ("Looking through the shop", "正在查找商品"),
    "doing_recommend": ("Picking suggestions", "正在挑选推荐"),
    "doing_history": ("Looking at your purchases", "正在查看您的购买记录"),
    "doing_cart": ("Looking at your cart", "正在查看购物车"),
    "doing_orders": ("Looking up your orders", "正在查询订单"),
    "doing_help": ("Reading the help pages", "正在查阅帮助文章"),
    "doing_hand_off": ("Calling a colleague", "正在转接同事"),
    "writing": ("Writing", "正在回复"),
    "found": ("Found", "找到的商品"),
    "also": ("Also found", "其他相关商品"),
    "source": ("Help page", "帮助文章"),
    "order": ("Order", "订单"),
    "item": ("item", "件商品"),
    "items": ("items", "件商品"),
    "status_placed": ("Placed", "已下单"),
    "status_packed": ("Packed", "已打包"),
    "status_on_its_way": ("On its way", "配送中"),
    "status_delivered": ("Delivered", "已送达"),
    "status_cancelled": ("Cancelled", "已取消"),
    "status_return_requested": ("Return requested", "已申请退货"),
    "status_exchange_requested": ("Exchange requested", "已申请换货"),
    "status_pending": ("Pending", "待处理"),
    "status_items_changed": ("Pending, changed", "待处理（已更改）"),
    "status_processed": ("Processed", "已处理"),
    "doing_change": ("Working out the change", "正在核对更改"),
    "change": ("Change to confirm", "待确认的更改"),
    "change_yes": ("Yes, do it", "确认"),
    "change_no": ("No", "取消"),
    "change_done": ("Done", "已完成"),
    "change_declined": ("Not done: you said no", "未执行：您选择了否"),
    "change_replaced": ("Not done: another change came after it", "未执行：之后提出了其他更改"),
    "change_withdrawn": ("Not done: taken back", "未执行：已撤回"),
    "change_awaits": ("Waits for the shopper's yes", "等待顾客确认"),
    "change_refused": ("Not done: no longer possible", "未执行：已无法更改"),
    "change_expired": ("Not done: waited too long", "未执行：已超时"),
    "interrupted_change": (
        "The shop restarted before this was done, so nothing was changed. "
        "Answer again, or talk to a person.",
        "本店在执行前重启，没有任何更改。请重新回答，或转接人工。",
    ),
    "failed_change": (
        "Something went wrong on our side, and nothing was changed. "
        "Try again, or talk to a person.",
        "我们这边出了问题，没有任何更改。请重试，或转接人工。",
    ),
    "stopped_change": ("Stopped; nothing was changed.", "已停止，没有任何更改。"),
    "by_mail": ("Sign in with a code by e-mail", "用邮件验证码登录"),
    "address": ("E-mail address", "电子邮箱"),
    "send_code": ("Send me a code", "发送验证码"),
    "code": ("Code", "验证码"),
    "code_sent": (
        "If this is a customer's address, a code is on its way to it.",
        "如果这是顾客的邮箱，验证码已发出。",
    ),
    "sign_in": ("Sign in", "登录"),
    "stopped": ("Stopped.", "已停止。"),
    "interrupted": (
        "This reply was cut off when the shop restarted. Ask again, or talk to a person.",
        "本店重启时回复中断。请重新提问，或转接人工。",
    ),
    "failed": (
        "Something went wrong on our side. Ask again, or talk to a person.",
        "我们这边出了问题。请重试，或转接人工。",
    ),
    "helpful": ("Helpful", "有帮助"),
    "not_helpful": ("Not helpful", "没有帮助"),
    "you": ("You", "您"),
    "assistant": ("Assistant", "助手"),
    "colleague": ("from the shop", "本店同事"),
    "offline": ("No connection. Trying again…", "连接中断，正在重试……"),
    "not_sent": ("That was not sent", "消息未发送"),
    "automatic": (
        "An automatic assistant. Prices and rules come from the shop's own records.",
        "自动助手。价格与规定均来自本店的记录。",
    ),
    "ask_usual": ("What do I usually buy?", "我平时常买什么？"),
    "ask_new": ("Suggest something new for me", "推荐一些我没买过的商品"),
    "ask_order": ("Where is my order?", "我的订单到哪了？"),
    "ask_popular": ("What is popular right now?", "最近什么卖得最好？"),
    "ask_search": ("Gluten free pasta under 4 dollars", "4美元以下的无麸质意面"),
    "ask_help": ("How do returns work?", "怎样退货？"),
}  # fmt: skip


def text(language: Language, key: str) -> str:
    """KeyError for an unknown key."""
    return _TEXTS[key][0 if language == "en" else 1]


def texts(language: Language) -> dict[str, str]:
    """All of them, for a page."""
    return {key: text(language, key) for key in _TEXTS}
