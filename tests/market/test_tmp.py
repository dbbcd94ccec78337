import time
from datetime import timedelta
from tests.factories.leads import make_batch, leads_of, make_person
from exchange.core import clock
def test_batch(cast):
    t=time.time(); b=make_batch(cast.seller, leads=10); print("10", time.time()-t)
    t=time.time(); b=make_batch(cast.seller, leads=1000); print("1000", time.time()-t)
    l=leads_of(b)[0]; print(l.attributes, l.preview, l.region, l.status, l.is_sealed)
    p=[make_person()]
    a=make_batch(cast.seller, people=p, window=timedelta(0))
    b=make_batch(cast.other_seller, people=p)
    assert b.valid==1
    c=make_batch(cast.other_seller, people=[*p, make_person()])
    assert c.valid==1 and c.duplicate==1
    for code in ["audit_services_ru","car_insurance_ru","mortgage_es","personal_loan_my"]:
        from tests.factories.catalog import make_vertical
        make_batch(cast.seller, vertical=make_vertical(code))
