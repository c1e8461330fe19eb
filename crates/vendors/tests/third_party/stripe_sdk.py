"""PyPI stripe drives the twin of Stripe as it is: argv[1] is the twin's address."""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import stripe

base = sys.argv[1]
stripe.api_key = "sk_test_twin"
stripe.api_base = base
stripe.max_network_retries = 2
letters = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        letters.append((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def tell(path, body):
    request = urllib.request.Request(
        base + "/_twin/" + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    urllib.request.urlopen(request).read()


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
tell("webhook", {"url": f"http://127.0.0.1:{server.server_port}/hook", "secret": "whsec_sdk"})

create = dict(amount=500, currency="usd", confirm=True, payment_method="pm_card_visa", capture_method="manual",
              metadata={"payment": "p-1"})
held = stripe.PaymentIntent.create(**create, idempotency_key="k-1")
again = stripe.PaymentIntent.create(**create, idempotency_key="k-1")
assert held.id == again.id and held.status == "requires_capture" and held.amount_capturable == 500
try:
    stripe.PaymentIntent.create(**{**create, "amount": 501}, idempotency_key="k-1")
    raise SystemExit("another amount passed under the same key")
except stripe.IdempotencyError:
    pass
taken = stripe.PaymentIntent.capture(held.id, amount_to_capture=430)
assert (taken.status, taken.amount_received) == ("succeeded", 430)
try:
    stripe.PaymentIntent.cancel(held.id)
    raise SystemExit("what was taken was cancelled")
except stripe.InvalidRequestError as error:
    assert error.code == "payment_intent_unexpected_state"
try:
    stripe.PaymentIntent.create(amount=5, currency="usd", confirm=True, payment_method="pm_card_visa_chargeDeclined")
    raise SystemExit("a declined card paid")
except stripe.CardError as error:
    assert error.code == "card_declined" and error.error.payment_intent["status"] == "requires_payment_method"

refund = stripe.Refund.create(payment_intent=held.id, amount=30)
assert (refund.status, refund.amount) == ("succeeded", 30)
account = stripe.Account.create(type="express", country="US")
transfer = stripe.Transfer.create(amount=344, currency="usd", destination=account.id, transfer_group="g")
assert [t.id for t in stripe.Transfer.list(transfer_group="g")] == [transfer.id]
link = stripe.AccountLink.create(account=account.id, type="account_onboarding", refresh_url="https://a", return_url="https://b")
assert link.url.startswith("https://connect.stripe.com/")

# The SDK tries again by itself, with a key of its own: one effect.
tell("faults", {"kind": "server_error_after", "on": "POST /v1/payment_intents"})
stripe.PaymentIntent.create(amount=700, currency="usd", confirm=True, payment_method="pm_card_visa")
assert len([i for i in stripe.PaymentIntent.list(limit=100).auto_paging_iter() if i.amount == 700]) == 1

for _ in range(12):
    stripe.PaymentIntent.create(amount=1, currency="usd")
assert len(list(stripe.PaymentIntent.list(limit=5).auto_paging_iter())) == 15

tell("disputes", {"payment_intent": held.id, "status": "needs_response"})
for _ in range(200):
    kinds = [json.loads(body)["type"] for body, _ in letters]
    if "charge.dispute.created" in kinds:
        break
    threading.Event().wait(0.02)
events = [stripe.Webhook.construct_event(body, header, "whsec_sdk", tolerance=10**9) for body, header in letters]
assert {"payment_intent.succeeded", "refund.created", "transfer.created"} <= {event.type for event in events}, kinds
print(json.loads(urllib.request.urlopen(base + "/_twin").read())["effects"])
