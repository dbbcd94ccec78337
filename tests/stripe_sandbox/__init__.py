"""The sandbox as its users meet it: through stripe-python, a browser and a webhook."""
