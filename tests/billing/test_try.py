from tests.cast import Cast
from tests.factories.billing import fund_wallet
def test_pages(cast, client):
    fund_wallet(cast.buyer)
    b = cast.buyer.sign_in(client)
    r = b.get("/money/wallet"); print(r.status_code); open("/tmp/wallet.html","w").write(r.text)
    assert r.status_code == 200, r.text[:3000]
    r = b.get("/money"); assert r.status_code == 404
