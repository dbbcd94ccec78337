from exchange.core.db import db
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place


def test_pages(cast, client):
    listing = make_listing(cast.seller, leads=12)
    fund_wallet(cast.buyer)
    cast.buyer.sign_in(client)
    lid = listing.public_id
    lead = leads_of_listing(listing)[0]
    for path in ["/buyers/", "/buyers/market", "/buyers/market?vertical=home_improvement_us&price_max=100&sort=cheapest&checked=1",
                 f"/buyers/listings/{lid}", f"/buyers/listings/{lid}?a.project=roofing", f"/buyers/listings/{lid}?region=OH&fresh=24",
                 f"/buyers/listings/{lid}/buy?quantity=5", f"/buyers/listings/{lid}/buy?quantity=5&fresh=24", f"/buyers/listings/{lid}/buy?quantity=50",
                 f"/buyers/listings/{lid}/buy?ids={lead.public_id}", "/buyers/orders", "/buyers/leads", "/buyers/returns"]:
        r = client.get(path)
        assert r.status_code == 200, (path, r.status_code, r.get_data(as_text=True)[-3000:])
    r = client.post(f"/buyers/listings/{lid}/orders", data={"quantity": 5, "terms_version": 1, "idempotency_key": "a"})
    assert r.status_code == 303, r.get_data(as_text=True)
    order = r.headers["Location"]
    print(order)
    line = client.get(order).get_data(as_text=True).split("/buyers/leads/")[1].split('"')[0].split("/")[0]
    for path in ["/buyers/", order, "/buyers/orders", "/buyers/leads", "/buyers/leads?closing=1", f"/buyers/leads/{line}", f"/buyers/leads/{line}/return"]:
        r = client.get(path)
        assert r.status_code == 200, (path, r.status_code, r.get_data(as_text=True)[-3000:])
    r = client.post(f"/buyers/leads/{line}/contact")
    assert r.status_code == 200
    r = client.post(order + "/contacts")
    assert r.status_code == 200
    r = client.post(order + "/export", data={"separator": "tab"})
    assert r.status_code == 200
    print(r.get_data(as_text=True)[:1500])
    r = client.post(f"/buyers/leads/{line}/return", data={"reason": "fictitious", "idempotency_key": "b"})
    assert r.status_code == 303, r.get_data(as_text=True)
    for path in [r.headers["Location"], "/buyers/returns", f"/buyers/leads/{line}", f"/buyers/leads/{line}/return", order, "/buyers/"]:
        r = client.get(path)
        assert r.status_code == 200, (path, r.status_code, r.get_data(as_text=True)[-3000:])


def leads_of_listing(listing):
    from exchange.market.queries import get_batch_of
    return leads_of(get_batch_of(listing))
