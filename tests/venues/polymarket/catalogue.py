"""Markets as Gamma writes them, for the tests of discovery: real shapes, cut to what is read."""

import json

import msgspec

from venues.polymarket.gamma_wire import GammaMarket

UP_TOKEN = "104239898038807136052399800151408521467737075933964991162589336683346093173875"
DOWN_TOKEN = "71183960810705820955071415844881728181970340514894896943812046065452395013351"
V2_UP = "755628523515574437047200361729489104557184628977942975970487229876815121664"
V2_DOWN = "755628523515574437047200361729489104557184628977942975970487229876815121665"
CONDITION = "0x78443f961b9a65869dcb39359de9960165c7e5cbad0904eac7f29cd77872a63b"
SLUG = "btc-updown-5m-1773307200"


def listing(**changes: object) -> dict[str, object]:
    """An open five-minute market with the fields given replaced; lists are JSON inside JSON, as on the wire."""
    row: dict[str, object] = {
        "id": "1557558",
        "question": "Bitcoin Up or Down - March 12, 5:20AM-5:25AM ET",
        "conditionId": CONDITION,
        "slug": SLUG,
        "resolutionSource": "https://data.chain.link/streams/btc-usd-twap-60s-streams",
        "endDate": "2026-03-12T09:25:00Z",
        "startDate": "2026-03-11T09:29:01.328428Z",
        "eventStartTime": "2026-03-12T09:20:00Z",
        "outcomes": '["Up", "Down"]',
        "outcomePrices": '["0.505", "0.495"]',
        "clobTokenIds": json.dumps([UP_TOKEN, DOWN_TOKEN]),
        "active": True,
        "closed": False,
        "archived": False,
        "enableOrderBook": True,
        "acceptingOrders": True,
        "negRisk": False,
        "negRiskOther": False,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "feesEnabled": True,
        "feeType": "crypto_fees_v2",
        "feeSchedule": {"exponent": 1, "rate": 0.07, "takerOnly": True, "rebateRate": 0.2},
        "cryptoMarketConfig": {
            "id": "btc-5m-twap-60",
            "asset": "btc",
            "duration": "5m",
            "twapEnabled": True,
            "twapLookbackSeconds": 60,
        },
        "events": [{"id": "260654", "slug": SLUG, "title": "Bitcoin Up or Down"}],
    }
    return {**row, **changes}


def row(**changes: object) -> GammaMarket:
    """The same, decoded."""
    return msgspec.json.decode(json.dumps(listing(**changes)), type=GammaMarket)
