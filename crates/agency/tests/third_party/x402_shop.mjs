// npm @x402/express sells a report through a facilitator: argv[2] is the folder of packages, argv[3] the
// facilitator, argv[4] the wallet that is paid. Prints its port, then lives until it is ended.

import { createRequire } from "node:module";

const [, , modules, facilitator, payTo] = process.argv;
const require = createRequire(`${modules}/`);
const express = require("express");
const { paymentMiddleware, x402ResourceServer } = require("@x402/express");
const { ExactEvmScheme } = require("@x402/evm/exact/server");
const { HTTPFacilitatorClient } = require("@x402/core/server");

const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }))
  .register("eip155:84532", new ExactEvmScheme());
const app = express();
let worked = 0;
app.get("/worked", (_, response) => response.json({ worked }));
app.use(paymentMiddleware({
  "GET /report": {
    accepts: { scheme: "exact", price: "$0.50", network: "eip155:84532", payTo },
    description: "A report",
  },
}, server));
app.get("/report", (_, response) => {
  worked += 1;
  response.json({ report: "sold by express" });
});
const listening = app.listen(0, "127.0.0.1", () => console.log(`listening ${listening.address().port}`));
