import time
from datetime import timedelta
from tests.factories.billing import fund_wallet
from tests.factories.market import *
from exchange.core.db import db
from exchange.core import clock
from exchange.market.queries.stock import *
from sqlalchemy import event, text
def test_order(cast):
    fund_wallet(cast.buyer)
    l=make_listing(cast.seller, leads=400)
    for _ in range(6): o=place(cast.buyer, l, 50)
    l=make_listing(cast.seller, leads=1000)
    fund_wallet(cast.buyer)
    w=Wanted(l.batch_id, l.vertical_id, cast.buyer.organization.id, clock.now()-timedelta(days=30))
    s=candidates(w).limit(1000).with_for_update(of=Lead, skip_locked=True, key_share=True)
    sql=str(s.compile(db.engine, compile_kwargs={"literal_binds":True}))
    for r in db.session.execute(text("EXPLAIN (ANALYZE, BUFFERS) "+sql.replace(":","\\:"))): print(r[0])
    engine = db.engines[None]
    T={}
    def b(c,cur,st,*r): T['t']=time.perf_counter()
    def a(c,cur,st,*r): 
        d=time.perf_counter()-T['t']
        if d>0.006: print(round(d*1000,1), st[:100].replace("\n"," "))
    event.listen(engine,"before_cursor_execute",b); event.listen(engine,"after_cursor_execute",a)
    t=time.time(); c=time.process_time(); o=place(cast.buyer, l, 1000); print("TOTAL 1000", time.time()-t, time.process_time()-c)
