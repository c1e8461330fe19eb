"""PyPI cashfree-pg reads and checks what the twin of Cashfree sends: argv[1] is the twin's address."""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from cashfree_pg.api_client import Cashfree
from cashfree_pg.models.order_entity import OrderEntity
from cashfree_pg.models.payment_entity import PaymentEntity
from cashfree_pg.models.refund_entity import RefundEntity

base, secret = sys.argv[1], "cfsecret"
letters = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        letters.append((body, self.headers["x-webhook-signature"], self.headers["x-webhook-timestamp"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, path, body=None):
    headers = {"x-client-id": "app", "x-client-secret": secret, "x-api-version": "2026-01-01",
               "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method)).read().decode()


server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
call("POST", "/_twin/webhook", {"url": f"http://127.0.0.1:{server.server_port}/hook", "secret": secret})
payer = {"customer_id": "c_1", "customer_phone": "9999999999"}
order = OrderEntity.from_json(call("POST", "/pg/orders", {
    "order_id": "o-1", "order_amount": 170.0, "order_currency": "INR", "customer_details": payer}))
assert (order.order_status, order.order_amount) == ("ACTIVE", 170.0)
upi = {"upi": {"channel": "collect", "upi_id": "testsuccess@gocash"}}
call("POST", "/pg/orders/sessions", {"payment_session_id": order.payment_session_id, "payment_method": upi})
payment = PaymentEntity.from_dict(json.loads(call("GET", "/pg/orders/o-1/payments"))[0])
assert (payment.payment_status, payment.is_captured) == ("SUCCESS", True)
refund = RefundEntity.from_json(call("POST", "/pg/orders/o-1/refunds", {"refund_amount": 4.35, "refund_id": "r-1"}))
assert refund.refund_status == "SUCCESS"
for _ in range(200):
    if len(letters) == 2:
        break
    threading.Event().wait(0.02)
checker = Cashfree(Cashfree.SANDBOX, "app", secret)
for body, signature, timestamp in letters:
    assert b"170.00" in body or b"4.35" in body
    event = checker.PGVerifyWebhookSignature(signature, body.decode(), timestamp)
    assert event.type in ("PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK")
    try:
        checker.PGVerifyWebhookSignature(signature, body.decode() + " ", timestamp)
        raise SystemExit("a changed body passed")
    except Exception as error:
        assert "ignature" in str(error), error
print(len(letters))
