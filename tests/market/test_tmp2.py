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
    n=60000
    cols="organization_id,vertical_id,batch_id,source_id,sub_source,status,kind,sales_max,attributes,preview,region,postal_code,landing_url,checked_at,leaf,is_sealed"
    db.session.execute(text(f"""INSERT INTO lead (id,created_at,row_number,sold,requested_at,{cols})
      SELECT gen_random_uuid(), now(), 1000+g, CASE WHEN g %% 2=0 THEN 1 ELSE 0 END, l.requested_at - g*interval '1 second', {cols}
      FROM (SELECT * FROM lead WHERE batch_id=:b LIMIT 1) l, generate_series(1,{n}) g""".replace("%%","%")), {"b": l.batch_id})
    db.session.execute(text("""INSERT INTO contact (lead_id,key_version,wrapped_key,locked,salt,phone_index,email_index)
      SELECT lead.id, 1, '\\x00','\\x00','\\x00', sha256(lead.id::text::bytea), sha256(('x'||lead.id::text)::bytea) FROM lead LEFT JOIN contact c ON c.lead_id=lead.id WHERE c.lead_id IS NULL"""))
    for stats in (False, True):
        if stats:
            db.session.execute(text("SET ROLE exchange")); db.session.execute(text("ANALYZE order_line, lead, contact"))
        for crit in (None, {"field":"project","is":"windows"}, {"field":"project","is":"roofing"}):
          for q in (1,50,300):
            t=time.time()
            try: place(cast.buyer, l, q, criteria=crit); r="ok"
            except Exception as e: r=str(e)
            print("stats",stats,crit,"q",q,round(time.time()-t,3), r)
        w=Wanted(l.batch_id, l.vertical_id, cast.buyer.organization.id, clock.now()-timedelta(days=30))
        s=candidates(w).limit(50).with_for_update(of=Lead, skip_locked=True, key_share=True)
        sql=str(s.compile(db.engine, compile_kwargs={"literal_binds":True}))
        for r in db.session.execute(text("EXPLAIN (ANALYZE, COSTS) "+sql.replace(":","\\:"))).all()[:16]: print(r[0])
    db.session.execute(text("RESET ROLE")); db.session.rollback()
