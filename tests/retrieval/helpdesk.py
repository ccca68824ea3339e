"""A small help desk, and questions that it does and does not answer."""

from retrieval.help import HelpArticle

ARTICLES = (
    HelpArticle(
        "returns",
        "Returns and refunds",
        (
            "You can bring an item back within 30 days with its receipt.",
            "We refund in full to the card you paid with.",
            "Fresh food that was bad when you got it is refunded without a return.",
            "Opened cosmetics cannot be returned.",
        ),
    ),
    HelpArticle(
        "delivery",
        "Delivery",
        (
            "We deliver every day between 8 in the morning and 9 in the evening.",
            "Delivery costs 4.95 dollars and is free above 50 dollars.",
            "If nobody is at home, the driver calls and tries once more.",
        ),
    ),
    HelpArticle(
        "pickup",
        "Picking up an order",
        (
            "Orders are ready for pickup two hours after you place them.",
            "Bring the order number and a photo ID.",
        ),
    ),
    HelpArticle(
        "payment",
        "Ways to pay",
        (
            "We take credit cards, debit cards, gift cards and EBT.",
            "Your card is charged when the order leaves the store.",
        ),
    ),
    HelpArticle(
        "coupons",
        "Coupons",
        (
            "One manufacturer coupon and one store coupon count for each item.",
            "Expired coupons are not accepted.",
        ),
    ),
    HelpArticle(
        "account",
        "Your account",
        (
            "You can reset your password from the sign-in page.",
            "To change your email address, open Settings.",
            "Deleting your account removes your purchase history.",
        ),
    ),
    HelpArticle(
        "privacy",
        "Privacy",
        (
            "We never sell your personal data.",
            "You can ask for a copy of everything that we keep about you.",
        ),
    ),
    HelpArticle(
        "substitutions",
        "When something is sold out",
        (
            "We replace a missing item with the nearest one at the same price or less.",
            "You can refuse a replacement at the door.",
        ),
    ),
    HelpArticle(
        "hours",
        "Opening hours",
        (
            "The store is open from 6 in the morning to midnight.",
            "On Thanksgiving and Christmas we are closed.",
        ),
    ),
    HelpArticle(
        "recalls",
        "Product recalls and allergies",
        (
            "We email everyone who bought a recalled product.",
            "Allergens are printed on the label; ask the bakery about fresh goods.",
        ),
    ),
)

ANSWERED = (
    ("can I return something I bought last week?", "returns"),
    ("how do I get my money back", "returns"),
    ("the strawberries were moldy", "returns"),
    ("return policy", "returns"),
    ("how much is shipping", "delivery"),
    ("is delivery free?", "delivery"),
    ("what happens if I'm not home when you deliver", "delivery"),
    ("can I collect my groceries at the store", "pickup"),
    ("when is my pickup order ready", "pickup"),
    ("do you accept food stamps", "payment"),
    ("can I pay with a gift card", "payment"),
    ("when will my card be charged", "payment"),
    ("can I use two coupons on one item", "coupons"),
    ("my coupon has expired", "coupons"),
    ("I forgot my password", "account"),
    ("how do I change my email", "account"),
    ("do you sell my data to anyone", "privacy"),
    ("what information do you have about me", "privacy"),
    ("what if an item is out of stock", "substitutions"),
    ("are you open on christmas", "hours"),
    ("what time do you close", "hours"),
    ("was any product recalled", "recalls"),
    ("where do I find allergen information", "recalls"),
)

UNANSWERED = (
    "what's the weather like tomorrow?",
    "write a haiku about autumn",
    "who won the world cup",
    "what is the capital of France",
    "tell me a joke",
    "how do I fix a flat tire",
    "can you help me with my homework",
    "what is the meaning of life",
    "translate hello into German",
    "how tall is Mount Everest",
    "is there a god",
    "recommend a good movie",
    "how do I train a puppy",
    "xqzzt",
    "solve x squared plus 3 equals 12",
    "do you offer travel insurance",
    "can I rent a carpet cleaner",
    "do you have a pension plan for employees",
    "how many calories should I eat a day",
    "which bus goes to the airport",
)
