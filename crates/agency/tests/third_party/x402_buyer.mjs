// npm @x402/fetch and @x402/evm buy from our resource server: argv[2] is the folder of packages, argv[3] the
// resource, argv[4] the wallet's key. Prints what came of it as JSON.

import { createRequire } from "node:module";

const [, , modules, url, key] = process.argv;
const require = createRequire(`${modules}/`);
const { wrapFetchWithPayment, x402Client, x402HTTPClient } = require("@x402/fetch");
const { ExactEvmScheme } = require("@x402/evm/exact/client");
const { appendPaymentIdentifierToExtensions } = require("@x402/extensions/payment-identifier");
const { privateKeyToAccount } = require("viem/accounts");

const client = new x402Client().register("eip155:*", new ExactEvmScheme(privateKeyToAccount(key)));
const http = new x402HTTPClient(client);

const bought = await wrapFetchWithPayment(fetch, client)(url);
const settled = http.getPaymentSettleResponse((name) => bought.headers.get(name));
const first = { status: bought.status, body: await bought.text(), settled };

// One payment, sent five times at once.
async function replays(named) {
  const asked = await fetch(url);
  const required = http.getPaymentRequiredResponse((name) => asked.headers.get(name), await asked.json());
  const payment = await client.createPaymentPayload(required);
  if (named) {
    payment.extensions = appendPaymentIdentifierToExtensions({ ...required.extensions });
  }
  const headers = http.encodePaymentSignatureHeader(payment);
  const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(url, { headers })));
  return Promise.all(answers.map(async (answer) => ({ status: answer.status, body: await answer.text() })));
}

console.log(JSON.stringify({ first, named: await replays(true), nameless: await replays(false) }));
