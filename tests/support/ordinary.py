"""An ordinary email of 10 KB: a receipt as shops send it, with a table, links that hold tokens, and prose.

What it takes in the store depends on how far it can be packed: it is neither one line again and again nor random. It
becomes 2.1 KB.
"""

import random

from app.domain.email import Content, Email, Mailbox

SIZE_BYTES = 10_000
CELL = 'style="padding:8px 12px;border-bottom:1px solid #e3e6ea"'
PROSE = (
    "Thank you for your order. We have begun to pack it, and you will hear from us again when it leaves our house.",
    "Most parcels arrive within three working days. If nobody is at home, the carrier tries once more on the next day.",
    "You may return whatever you do not like within thirty days, unused and in its box; the label is in the parcel.",
    "Please keep this receipt for the guarantee, which covers material and workmanship for two years from today.",
    "Questions? Answer to this email, or call us on weekdays between nine and six; we will gladly help.",
    "The prices include value added tax at the rate of the country that the parcel goes to, and packing and postage.",
    "Wash the linen at forty degrees, with colours like it, and iron it damp. It shrinks at the first wash only.",
    "Cast iron wants to be dried by hand and oiled now and then; rust does no harm, and comes off with salt.",
    "If your order comes in several parcels, each has a number of its own; you find all of them behind the link below.",
    "Points of this purchase are credited after two weeks. Five hundred of them are worth a voucher of twenty euros.",
    "Our shop in the old harbour is open again from Monday. Come and see the autumn ceramics, and have a coffee on us.",
)
GOODS = (
    *("Stoneware bowl, ash glaze", "Linen tablecloth, two metres", "Beeswax candles, a dozen", "Oak chopping board"),
    *("Espresso cups, set of four", "Walnut salad servers", "Wool blanket, herringbone", "Brass pepper mill"),
    *("Carafe of recycled glass", "Apron with deep pockets", "Teapot, cast iron, 0.8 l", "Olive wood spoon"),
)
FOOT = "<p>Harbour House Ltd, 12 Quay Street. You get this email because you have bought something from us.</p>"


def html() -> str:
    """The receipt, of about SIZE_BYTES. It is the same every time."""
    chance = random.Random(20_261_129)  # noqa: S311 because this is no secret
    parts = [
        "<!doctype html><html><head><meta charset='utf-8'><title>Your receipt</title><style>body{margin:0;background:"
        "#f6f7f9;color:#1d2530}a{color:#0b5cad;text-decoration:none}.total{font-weight:700}@media(max-width:600px){"
        ".wide{display:none}}</style></head><body><table width='600' align='center' cellpadding='0' cellspacing='0'>"
    ]
    parts += [f"<tr><td colspan='3' {CELL}><p>{sentence}</p></td></tr>" for sentence in PROSE]
    number = 0
    while sum(map(len, parts)) < SIZE_BYTES - len(FOOT) - 200:
        number += 1
        name, token = chance.choice(GOODS), f"{chance.getrandbits(96):024x}"
        parts.append(
            f"<tr><td {CELL}><a href='https://shop.example.com/goods/{chance.randrange(10_000, 99_999)}?order={token}'>"
            f"{name}</a></td><td {CELL} class='wide'>{chance.randrange(1, 9)}</td>"
            f"<td {CELL}>{chance.randrange(4, 180)}.{chance.randrange(100):02d} EUR</td></tr>"
        )
    parts += ["</table>", FOOT, "</body></html>"]
    return "".join(parts)


def receipt(to: Mailbox) -> Email:
    """The email, to one recipient."""
    sender = Mailbox("receipts@shop.example.com", "Harbour House")
    return Email(sender=sender, to=(to,), content=Content(subject="Your receipt, order 20-4711-83", html=html()))
