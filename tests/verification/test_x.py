from exchange.core.db import db
from exchange.catalog.scripts import Outcome
from tests.verification.support import *
def test_pages(cast, client):
    make_sample(cast.seller); db.session.commit()
    c=cast.verifier.sign_in(client)
    r=c.get("/verification"); print(r.status_code); open("/tmp/start.html","w").write(r.text)
    r=c.post("/verification/next"); print(r.status_code, r.location)
    url=r.location
    r=c.get(url); print(r.status_code, r.headers["Cache-Control"]); open("/tmp/task.html","w").write(r.text)
    import re
    lease=re.search(r'name="lease_number" value="(\d+)"', r.text)[1]
    r=c.post(url+"/verdict", data={"lease_number":lease,"outcome":"confirmed"}); print(r.status_code); open("/tmp/task2.html","w").write(r.text)
    r=c.post(url+"/verdict", data={"lease_number":lease,"outcome":"confirmed","sure":"1"}); print(r.status_code, r.location)
    r=c.get(url); print(r.status_code); open("/tmp/ended.html","w").write(r.text)
    r=c.get("/verification/results"); print(r.status_code)
