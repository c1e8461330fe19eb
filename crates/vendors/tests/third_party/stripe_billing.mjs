// npm stripe drives Billing of the twin as it is: argv[2] is the folder of packages, argv[3] the twin's address.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [, , modules, base] = process.argv;
const { default: Stripe } = await import(createRequire(`${modules}/`).resolve("stripe"));
const { protocol, hostname, port } = new URL(base);
const stripe = new Stripe("sk_test_twin", {
  protocol: protocol.replace(":", ""), host: hostname, port, maxNetworkRetries: 2, telemetry: false,
});
const letters = [];
const receiver = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    letters.push([Buffer.concat(parts), request.headers["stripe-signature"]]);
    response.end();
  });
}).listen(0, "127.0.0.1");
await once(receiver, "listening");
const tell = async (what, body) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${base}/_twin/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${what}: ${answer.status}`);
};
const act = (url, form) => fetch(url, {
  method: "POST", body: new URLSearchParams(form), redirect: "manual",
  headers: { "content-type": "application/x-www-form-urlencoded" },
});
const hook = { url: `http://127.0.0.1:${receiver.address().port}/hook`, secret: "whsec_sdk" };
await tell("webhook", { ...hook, duplicate: true, reorder: true });

// What is sold.
const product = await stripe.products.create({ name: "Ignition" });
const small = await stripe.prices.create({
  product: product.id, unit_amount: 250000, currency: "aud", recurring: { interval: "month" }, lookup_key: "small",
  metadata: { plan: "small" },
});
const large = await stripe.prices.create({
  product_data: { name: "Velocity" }, unit_amount: 500000, currency: "aud", recurring: { interval: "month" }, lookup_key: "large",
});
await assert.rejects(stripe.prices.create({
  product: product.id, unit_amount: 1, currency: "aud", recurring: { interval: "month" }, lookup_key: "small",
}), { code: "resource_already_exists" });
const found = await stripe.prices.list({ lookup_keys: ["small"], active: true });
assert.deepEqual(found.data.map((one) => one.id), [small.id]);
const coupon = await stripe.coupons.create({ id: "founding-50", percent_off: 50, duration: "forever" });
assert.equal((await stripe.coupons.retrieve("founding-50")).percent_off, 50);
await assert.rejects(stripe.coupons.retrieve("none"), { code: "resource_missing" });
const gst = await stripe.taxRates.create({ display_name: "GST", percentage: 10, inclusive: false, country: "AU" });
assert.deepEqual((await stripe.taxRates.list({ active: true, inclusive: false })).data.map((one) => one.id), [gst.id]);

// Checkout: wrong first, then under a key twice, declined, paid.
const ask = {
  mode: "subscription", line_items: [{ price: small.id, quantity: 1 }], success_url: "http://127.0.0.1/done?s={CHECKOUT_SESSION_ID}",
  cancel_url: "http://127.0.0.1/left", client_reference_id: "tenant-1", customer_email: "ada@example.com",
  discounts: [{ coupon: coupon.id }], metadata: { checkout: "c-1" },
  subscription_data: { metadata: { tenant: "tenant-1" }, default_tax_rates: [gst.id] },
};
await assert.rejects(stripe.checkout.sessions.create({ ...ask, payment_method_types: ["card"] }), { code: "parameter_unknown" });
const session = await stripe.checkout.sessions.create(ask, { idempotencyKey: "c-1" });
const again = await stripe.checkout.sessions.create(ask, { idempotencyKey: "c-1" });
assert.deepEqual([again.id, session.status, session.payment_status], [session.id, "open", "unpaid"]);
assert.match(await (await act(session.url, { act: "decline" })).text(), /declined/);
const paid = await act(session.url, { act: "pay" });
assert.deepEqual([paid.status, paid.headers.get("location")], [303, `http://127.0.0.1/done?s=${session.id}`]);
const done = await stripe.checkout.sessions.retrieve(session.id);
assert.deepEqual([done.status, done.payment_status], ["complete", "paid"]);
const subscription = await stripe.subscriptions.retrieve(done.subscription);
const item = subscription.items.data[0];
assert.deepEqual([subscription.status, subscription.metadata.tenant, item.price.lookup_key], ["active", "tenant-1", "small"]);
assert.ok(item.current_period_end > item.current_period_start);
const [first] = (await stripe.invoices.list({ subscription: subscription.id })).data;
assert.deepEqual(
  [first.status, first.subtotal, first.total_excluding_tax, first.total, first.amount_paid],
  ["paid", 250000, 125000, 137500, 137500],
);
assert.deepEqual([first.parent.subscription_details.subscription, first.total_taxes[0].amount], [subscription.id, 12500]);

// Up at once, down without a bill, ending with the period and not.
const up = await stripe.subscriptions.update(subscription.id, {
  items: [{ id: item.id, price: large.id }], proration_behavior: "always_invoice", payment_behavior: "pending_if_incomplete",
});
assert.equal(up.items.data[0].price.id, large.id);
const bill = await stripe.invoices.retrieve(up.latest_invoice);
assert.deepEqual([bill.billing_reason, bill.status, bill.total_excluding_tax], ["subscription_update", "paid", 125000]);
await stripe.subscriptions.update(subscription.id, { items: [{ id: item.id, price: small.id }], proration_behavior: "none" });
assert.equal((await stripe.invoices.list({ subscription: subscription.id })).data.length, 2);
assert.ok((await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true })).cancel_at);
assert.equal((await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false })).cancel_at, null);

// A renewal that is not paid, then is.
await stripe.customers.update(done.customer, { invoice_settings: { default_payment_method: "pm_card_chargeDeclined" } });
await tell("renew", { subscription: subscription.id });
assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "past_due");
const [owed] = (await stripe.invoices.list({ subscription: subscription.id, status: "open" })).data;
await assert.rejects(stripe.invoices.pay(owed.id), (error) => error instanceof Stripe.errors.StripeCardError);
await stripe.customers.update(done.customer, { invoice_settings: { default_payment_method: "pm_card_visa" } });
assert.equal((await stripe.invoices.pay(owed.id)).status, "paid");
assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "active");

// The portal, a session that is given up, the end.
const portal = await stripe.billingPortal.sessions.create({ customer: done.customer, return_url: "http://127.0.0.1/back" });
assert.match(await (await fetch(portal.url)).text(), /Cancel the plan/);
assert.equal((await act(portal.url, { act: "back" })).headers.get("location"), "http://127.0.0.1/back");
const given = await stripe.checkout.sessions.create(ask, { idempotencyKey: "c-2" });
assert.equal((await stripe.checkout.sessions.expire(given.id)).status, "expired");
assert.equal((await stripe.subscriptions.cancel(subscription.id)).status, "canceled");
await assert.rejects(stripe.subscriptions.update(subscription.id, { items: [{ id: item.id, price: large.id }] }));

await tell("webhook/flush", {});
const kinds = () => letters.map(([body]) => JSON.parse(body).type);
// Each is sent twice, as told, and the last of them may still be on their way.
const wanted = [
  "checkout.session.completed", "checkout.session.expired", "customer.subscription.created", "customer.subscription.updated",
  "customer.subscription.deleted", "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_failed",
];
const single = () => wanted.filter((kind) => {
  const count = kinds().filter((one) => one === kind).length;
  return count < 2 || count % 2 === 1;
});
for (let turn = 0; turn < 500 && single().length > 0; turn += 1) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
assert.deepEqual(single(), [], `not twice among ${kinds()}`);
for (const [body, header] of letters) stripe.webhooks.constructEvent(body, header, "whsec_sdk", 1e9);
assert.throws(() => stripe.webhooks.constructEvent(letters[0][0], letters[0][1], "whsec_other"));
console.log((await (await fetch(`${base}/_twin`)).json()).effects);
// The SDK keeps connections open for its time-out of 80 seconds.
process.exit();
