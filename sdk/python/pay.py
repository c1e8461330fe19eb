#!/usr/bin/env python3
"""An agent that pays, on the standard library alone.

AGENCY_URL=http://127.0.0.1:8080 AGENCY_KEY=aop_… pay.py VENDOR SKU AMOUNT_MINOR CURRENCY [ORDER]

Says what it wants (intent), asks for the permission (mandate), pays (execute) and prints the receipt. ORDER
names the purchase: the same name again is the same purchase, never a second one."""
import http.client, json, os, sys, time, urllib.error, urllib.request, uuid

# What is worth another try with the same key: nothing happened, or it is still happening, or we cannot know.
AGAIN = {409, 429, 500, 502, 503, 504}


class Refused(Exception):
    """The answer is no. `code` never changes; every broken rule is in `violations`."""

    def __init__(self, status, problem):
        self.status, self.code = status, problem.get("code", "unknown")
        self.violations = [broken["code"] for broken in problem.get("violations", [])]
        super().__init__(f"{self.code}: {problem.get('detail') or problem.get('title', '')}")


class Agency:
    def __init__(self, url, key, tries=6, timeout_s=65):
        self.url, self.key, self.tries, self.timeout_s = url.rstrip("/") + "/api/v1", key, tries, timeout_s

    def call(self, method, path, body=None, idempotency_key=None):
        """One call; tried again only when that is safe: reads, and changes under one key."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        data = None if body is None else json.dumps(body).encode()
        for turn in range(self.tries):
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            wait_s = min(2**turn, 30) / 2
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                problem = json.loads(error.read() or b"{}")
                conflict = error.code == 409 and not problem.get("code", "").startswith("idempotency")
                if error.code not in AGAIN or conflict or turn + 1 == self.tries:
                    raise Refused(error.code, problem) from None
                wait_s = float(error.headers.get("Retry-After") or wait_s)
            except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException):
                if turn + 1 == self.tries:
                    raise
            time.sleep(wait_s)

    def until(self, path, done, patience_s=60):
        """Looks until it is done; the last look if it is not by then."""
        end = time.monotonic() + patience_s
        while True:
            status, seen = self.call("GET", path)
            if done(status, seen) or time.monotonic() > end:
                return seen
            time.sleep(1)

    def buy(self, vendor, sku, amount_minor, currency, order):
        """The payment and its receipt. Amounts are whole minor units: 430 is 4.30."""
        want = {"vendor_id": vendor, "sku": sku, "amount_minor": amount_minor, "currency": currency}
        _, intent = self.call("POST", "/purchase-intents", want, f"{order}/intent")
        ask = {"intent_id": intent["id"], "template": "micro_task"}
        status, mandate = self.call("POST", "/mandates", ask, f"{order}/mandate")
        if status == 202:  # A person has to agree first.
            mandate = self.until(f"/mandates/{mandate['mandate_id']}", lambda status, _: status == 200)
            if "token" not in mandate:
                raise Refused(202, {"code": "approval_required", "detail": "Nobody has agreed yet."})
        pay = {"mandate_id": mandate.get("id")}
        status, paid = self.call("POST", "/execute", pay, f"{order}/execute")
        if status == 202:  # The rail is at work, or its answer was lost: it is looked up, never paid twice.
            payment = f"/payments/{paid['payment']['id']}"
            self.until(payment, lambda _, seen: seen["receipts"])
            status, paid = self.call("POST", "/execute", pay, f"{order}/execute")
        return paid["payment"], paid["receipt"]


def main(vendor, sku, amount_minor, currency, order=None):
    agency = Agency(os.environ["AGENCY_URL"], os.environ["AGENCY_KEY"])
    payment, receipt = agency.buy(vendor, sku, int(amount_minor), currency, order or str(uuid.uuid4()))
    print(json.dumps({
        "payment": payment["id"], "status": payment["status"], "rail": payment["rail"],
        "amount_minor": payment["amount_minor"], "currency": payment["currency"],
        "receipt": receipt and receipt["sequence"], "hash": receipt and receipt["curr_hash"],
    }))
    return 0 if payment["status"] == "succeeded" else 1


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    try:
        sys.exit(main(*sys.argv[1:]))
    except Refused as refused:
        sys.exit(f"refused, {refused}")
