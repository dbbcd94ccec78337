def test_signs_in(client, cast):
    cast.seller.sign_in(client)
    assert client.get("/sign-up").status_code == 200
