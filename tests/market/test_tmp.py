import time
from tests.factories.billing import fund_wallet
from tests.factories.market import *
from tests.conftest import count_statements
from exchange.market import queries
from exchange.fulfillment.services import reveals
from exchange.core.db import db
def test_order(cast, sweep, run_jobs):
    fund_wallet(cast.buyer)
    l=make_listing(cast.seller, leads=400)
    o=place(cast.buyer, l, 50)
    with count_statements() as seen:
        t=time.time(); o=place(cast.buyer, l, 50); print("TOTAL", time.time()-t)
    print(len(seen))
    for i in range(4):
        t=time.time(); o=place(cast.buyer, l, 50); print("TOTAL", time.time()-t)
    print(queries.tally(o), o.status)
    t=time.time()
    print(reveals.open_order(order_id=o.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor)[0].contact, time.time()-t)
    print(reveals.export_order(order_id=o.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor)[0])
    fund_wallet(cast.buyer)
    l=make_listing(cast.seller, leads=1000)
    t=time.time(); o=place(cast.buyer, l, 1000); print("TOTAL 1000", time.time()-t)
