// npm stripe drives the twin of Stripe as it is: argv[2] is the folder of packages, argv[3] the twin's address.

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
await tell("webhook", { url: `http://127.0.0.1:${receiver.address().port}/hook`, secret: "whsec_sdk" });

const create = {
  amount: 500, currency: "usd", confirm: true, payment_method: "pm_card_visa", capture_method: "manual",
  metadata: { payment: "p-1" },
};
const held = await stripe.paymentIntents.create(create, { idempotencyKey: "k-1" });
const again = await stripe.paymentIntents.create(create, { idempotencyKey: "k-1" });
assert.deepEqual([again.id, held.status, held.amount_capturable], [held.id, "requires_capture", 500]);
await assert.rejects(
  stripe.paymentIntents.create({ ...create, amount: 501 }, { idempotencyKey: "k-1" }),
  (error) => error instanceof Stripe.errors.StripeIdempotencyError,
);
const taken = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 430 });
assert.deepEqual([taken.status, taken.amount_received], ["succeeded", 430]);
await assert.rejects(stripe.paymentIntents.cancel(held.id), { code: "payment_intent_unexpected_state" });
await assert.rejects(
  stripe.paymentIntents.create({
    amount: 5, currency: "usd", confirm: true, payment_method: "pm_card_visa_chargeDeclined",
  }),
  (error) => error instanceof Stripe.errors.StripeCardError && error.code === "card_declined"
    && error.payment_intent.status === "requires_payment_method",
);

const refund = await stripe.refunds.create({ payment_intent: held.id, amount: 30 });
assert.deepEqual([refund.status, refund.amount], ["succeeded", 30]);
const account = await stripe.accounts.create({ type: "express", country: "US" });
const transfer = await stripe.transfers.create({
  amount: 344, currency: "usd", destination: account.id, transfer_group: "g",
});
const grouped = await stripe.transfers.list({ transfer_group: "g" });
assert.deepEqual(grouped.data.map((one) => one.id), [transfer.id]);
const link = await stripe.accountLinks.create({
  account: account.id, type: "account_onboarding", refresh_url: "https://a", return_url: "https://b",
});
assert.ok(link.url.startsWith("https://connect.stripe.com/"));

// The SDK tries again by itself, with a key of its own: one effect.
await tell("faults", { kind: "server_error_after", on: "POST /v1/payment_intents" });
await stripe.paymentIntents.create({ amount: 700, currency: "usd", confirm: true, payment_method: "pm_card_visa" });
const listed = await stripe.paymentIntents.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
assert.equal(listed.filter((intent) => intent.amount === 700).length, 1);

for (let count = 0; count < 12; count += 1) {
  await stripe.paymentIntents.create({ amount: 1, currency: "usd" });
}
assert.equal((await stripe.paymentIntents.list({ limit: 5 }).autoPagingToArray({ limit: 1000 })).length, 15);

await tell("disputes", { payment_intent: held.id, status: "needs_response" });
const kinds = () => letters.map(([body]) => JSON.parse(body).type);
for (let turn = 0; turn < 200 && !kinds().includes("charge.dispute.created"); turn += 1) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const events = letters.map(([body, header]) => stripe.webhooks.constructEvent(body, header, "whsec_sdk", 1e9));
for (const kind of ["payment_intent.succeeded", "refund.created", "transfer.created", "charge.dispute.created"]) {
  assert.ok(events.some((event) => event.type === kind), `${kind} is not in ${kinds()}`);
}
assert.throws(() => stripe.webhooks.constructEvent(letters[0][0], letters[0][1], "whsec_other"));
console.log((await (await fetch(`${base}/_twin`)).json()).effects);
// The SDK keeps connections open for its time-out of 80 seconds.
process.exit();
