import re
from exchange.core.db import db
from exchange.core.events import Event
def test_x(client, cast):
    cast.admin.sign_in(client)
    p=client.get("/admin/events?type=organization.").get_data(as_text=True)
    print(re.findall(r'class="object"[^>]*>([^<]*)', p)); print(p[p.find("results"):][:1500])
    print([e.type for e in db.session.query(Event)])
    assert 0
