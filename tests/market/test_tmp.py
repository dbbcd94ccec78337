import time
from tests.factories.billing import fund_wallet
from tests.factories.market import *
from exchange.market import queries
from exchange.core.db import db
def test_order(cast):
    fund_wallet(cast.buyer)
    l=make_listing(cast.seller, leads=400)
    o=place(cast.buyer, l, 50)
    for i in range(3):
        t=time.time(); o=place(cast.buyer, l, 50); print("TOTAL", time.time()-t)
    from sqlalchemy import select, func
    from exchange.market.models import OrderLine
    r=db.session.execute(select(OrderLine.status, func.count().label("lines")).group_by(OrderLine.status)).all()
    print(r, r[0].lines, r[0][1], r[0]._fields)
    print(queries.tally(o))
