// The carriers' own packages drive our twins as they are, accept what the twins sign, and accept the
// signatures that our receivers are tested with. argv: folder of packages, carrier, the twin's address.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [, , modules, carrier, base] = process.argv;
const require = createRequire(`${modules}/`);
const letters = [];
const receiver = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    letters.push([Buffer.concat(parts).toString(), request.headers]);
    response.end();
  });
}).listen(0, "127.0.0.1");
await once(receiver, "listening");
const hook = `http://127.0.0.1:${receiver.address().port}/hooks/token?tenant=a`;
const tell = async (what, body) => {
  const answer = await fetch(`${base}/_twin/${what}`, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, `${what}: ${answer.status} ${await answer.text()}`);
};
const came = async (count) => {
  for (let turn = 0; turn < 200 && letters.length < count; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(letters.length >= count, `${letters.length} of ${count} webhooks`);
  return letters;
};

const AT = 1760000000;
const BODY = '{"id":"evt_1","type":"test","amount":170.00}';
const WHSEC = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/** Runs something as if it were the instant of the golden signatures. */
const atGolden = async (run) => {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      super(...(given.length === 0 ? [AT * 1000] : given));
    }
    static now() {
      return AT * 1000;
    }
  };
  try {
    return await run();
  } finally {
    globalThis.Date = RealDate;
  }
};

const carriers = {
  async resend() {
    await tell("webhook", { url: hook, secret: WHSEC });
    const { Resend } = require("resend");
    const { Webhook } = require("standardwebhooks");
    const svix = require("svix");
    const resend = new Resend("re_sdk", { baseUrl: base });
    const mail = { from: "a@b.example", to: ["c@d.example"], subject: "S", text: "T", tags: [{ name: "ours", value: "x" }] };
    const sent = await resend.emails.send(mail, { idempotencyKey: "k-1" });
    const again = await resend.emails.send(mail, { idempotencyKey: "k-1" });
    assert.ok(sent.data.id && again.data.id === sent.data.id, JSON.stringify([sent, again]));
    const other = await resend.emails.send({ ...mail, subject: "U" }, { idempotencyKey: "k-1" });
    assert.equal(other.error.name, "invalid_idempotent_request");
    assert.equal((await resend.emails.get(sent.data.id)).data.subject, "S");
    await tell("events", { event: "reply", from: "c@d.example", to: "a@b.example", subject: "Re: S", text: "Yes" });
    const inbound = (await resend.emails.receiving.list()).data.data;
    assert.equal((await resend.emails.receiving.get(inbound[0].id)).data.text, "Yes");
    for (const [payload, headers] of await came(3)) {
      const id = headers["svix-id"], timestamp = headers["svix-timestamp"], signature = headers["svix-signature"];
      resend.webhooks.verify({ payload, headers: { id, timestamp, signature }, webhookSecret: WHSEC });
      new Webhook(WHSEC).verify(payload, {
        "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature,
      });
      new svix.Webhook(WHSEC).verify(payload, headers);
      assert.throws(() => new svix.Webhook(WHSEC).verify(`${payload} `, headers));
    }
    const golden = "v1,db0pL2roJGOsJahUayz4HcQdPXYWY8/Nhw1fQ8aKdos=";
    assert.equal(new Webhook(WHSEC).sign("msg_1", new Date(AT * 1000), BODY), golden);
    assert.equal(new svix.Webhook(WHSEC).sign("msg_1", new Date(AT * 1000), BODY), golden);
  },

  async postmark() {
    const { ServerClient } = require("postmark");
    const client = new ServerClient("pm-sdk", { useHttps: false, requestHost: new URL(base).host });
    const sent = await client.sendEmail({
      From: "a@b.example", To: "c@d.example", Subject: "S", TextBody: "T", Metadata: { ours: "x" },
    });
    assert.equal(sent.ErrorCode, 0);
    const found = await client.getOutboundMessages({ count: 1, offset: 0, metadata_ours: "x" });
    assert.equal(found.Messages[0].MessageID, sent.MessageID);
    await assert.rejects(
      client.sendEmail({ From: "a@b.example", To: "inactive@d.example", Subject: "S", TextBody: "T" }),
      (error) => error.code === 406,
    );
    await tell("events", { event: "reply", from: "c@d.example", to: "a@b.example", subject: "Re: S", text: "Yes" });
    const inbound = await client.getInboundMessages({ count: 10, offset: 0 });
    const details = await client.getInboundMessageDetails(inbound.InboundMessages[0].MessageID);
    assert.equal(details.TextBody, "Yes");
  },

  async twilio() {
    await tell("webhook", { url: hook, secret: "authtoken123" });
    const twilio = require("twilio");
    const http = new twilio.RequestClient();
    const here = {
      request: (asked) => http.request({ ...asked, uri: asked.uri.replace("https://api.twilio.com", base) }),
    };
    const client = twilio("AC00000000000000000000000000000001", "authtoken123", { httpClient: here });
    const sent = await client.messages.create({ to: "+61400000001", from: "+61400000009", body: "Hello" });
    assert.deepEqual([sent.status, sent.body, sent.numSegments], ["queued", "Hello", "1"]);
    const listed = await client.messages.list({ to: "+61400000001", pageSize: 1 });
    assert.deepEqual(listed.map((one) => one.sid), [sent.sid]);
    assert.equal((await client.messages(sent.sid).fetch()).status, "delivered");
    await assert.rejects(
      client.messages.create({ to: "+15005550004", from: "+61400000009", body: "Hello" }),
      (error) => error.code === 21610 && error.status === 400,
    );
    for (const [body, headers] of await came(2)) {
      const params = Object.fromEntries(new URLSearchParams(body));
      assert.ok(twilio.validateRequest("authtoken123", headers["x-twilio-signature"], hook, params));
      assert.ok(!twilio.validateRequest("authtoken123", headers["x-twilio-signature"], hook, { ...params, To: "x" }));
    }
    const url = "https://app.example.com/webhooks/twilio/sms?tenant=a";
    const params = {
      From: "+61400000001", To: "+61400000002", Body: "Yes please", MessageSid: "SM1", AccountSid: "AC1",
    };
    assert.ok(twilio.validateRequest("authtoken123", "9Zxah+xRMAhmUOpRxFMSd8nYz3Y=", url, params));
  },

  async telnyx() {
    const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    await tell("webhook", { url: hook, secret: seed });
    const { default: Telnyx } = require("telnyx");
    const { TelnyxWebhook } = require("telnyx/lib/webhooks");
    const client = new Telnyx({ apiKey: "KEYsdk", baseURL: `${base}/v2` });
    const sent = await client.messages.send({ to: "+61400000001", from: "+61400000009", text: "Hello" });
    assert.equal((await client.messages.retrieve(sent.data.id)).data.to[0].status, "delivered");
    const call = await client.calls.dial({ connection_id: "c1", to: "+61400000001", from: "+61400000009" });
    assert.equal((await client.calls.retrieveStatus(call.data.call_control_id)).data.is_alive, true);
    await client.calls.actions.speak(call.data.call_control_id, { payload: "Hello", voice: "female" });
    await assert.rejects(
      client.messages.send({ to: "+15005550004", from: "+61400000009", text: "Hello" }),
      (error) => error.status === 400,
    );
    for (const [body, headers] of await came(4)) {
      await new TelnyxWebhook(key).verify(body, headers);
      await assert.rejects(async () => new TelnyxWebhook(key).verify(`${body} `, headers));
    }
    const golden = {
      "telnyx-signature-ed25519":
        "AIFEEh9e9bzV2KMXYnFn4AsMi+rDhLM4Vt7pnG/IoxoxbIa/7S2g9d7s1+YYN0v0KfJi0GGmFDGakurvFWlODQ==",
      "telnyx-timestamp": String(AT),
    };
    await atGolden(() => new TelnyxWebhook(key).verify(BODY, golden));
  },

  async vapi() {
    const { VapiClient } = require("@vapi-ai/server-sdk");
    const client = new VapiClient({ token: "vapi-sdk", baseUrl: base });
    const made = await client.calls.create({
      assistantId: "a1", phoneNumberId: "p1", customer: { number: "+61400000001", externalId: "x" },
    });
    assert.equal(made.status, "queued");
    assert.equal((await client.calls.get({ id: made.id })).status, "in-progress");
    assert.equal((await client.calls.list({ limit: 10 }))[0].customer.externalId, "x");
    await assert.rejects(
      client.calls.create({ assistantId: "a1", phoneNumberId: "p1", customer: { number: "+15005550001" } }),
      (error) => error.statusCode === 400,
    );
  },

  async elevenlabs() {
    await tell("webhook", { url: hook, secret: "elsecret" });
    const { ElevenLabsClient } = require("@elevenlabs/elevenlabs-js");
    const client = new ElevenLabsClient({ apiKey: "el-sdk", baseUrl: base });
    const sound = await client.textToSpeech.convert("voice_1", {
      text: "Hello", modelId: "eleven_flash_v2_5", outputFormat: "ulaw_8000",
    });
    let bytes = 0;
    for await (const part of sound) bytes += part.length;
    assert.equal(bytes, 5 * 480);
    await tell("events", { event: "transcribed", text: "Yes" });
    const [[body, headers]] = await came(1);
    const event = await client.webhooks.constructEvent(body, headers["elevenlabs-signature"], "elsecret");
    assert.equal(event.type, "post_call_transcription");
    const golden = `t=${AT},v0=2b60cc3996b5121391557573a86d7e2f6676a45bc9fb3ad349ff635c868ba1f4`;
    await atGolden(() => client.webhooks.constructEvent(BODY, golden, "elsecret"));
  },

  async deepgram() {
    const { DeepgramClient } = require("@deepgram/sdk");
    const environment = { base, production: base, agent: base, agentRest: base };
    const client = new DeepgramClient({ apiKey: "dg-sdk", environment });
    const heard = await client.listen.v1.media.transcribeUrl({ url: "https://a.example/x.wav", model: "nova-3" });
    const found = heard.results ?? heard.data?.results;
    assert.equal(found.channels[0].alternatives[0].transcript, "https://a.example/x.wav");
  },

  async lob() {
    const lob = require("@lob/lob-typescript-sdk");
    const config = new lob.Configuration({ username: "test_sdk", basePath: `${base}/v1` });
    const to = new lob.AddressEditable({
      name: "A", address_line1: "1 Main Street", address_city: "X", address_state: "NY", address_zip: "10001",
    });
    const card = new lob.PostcardEditable({
      to, from: to, front: "<b>f</b>", back: "<b>b</b>", use_type: "marketing", metadata: { ours: "x" },
    });
    const api = new lob.PostcardsApi(config);
    const first = await api.create(card, "k-1");
    const again = await api.create(card, "k-1");
    assert.ok(first.id.startsWith("psc_") && again.id === first.id);
    assert.equal((await api.get(first.id)).id, first.id);
    const verified = await new lob.UsVerificationsApi(config).verifySingle(
      new lob.UsVerificationsWritable({ primary_line: "missing unit", city: "X", state: "NY", zip_code: "10001" }),
    );
    assert.equal(verified.deliverability, "deliverable_missing_unit");
  },
};

await carriers[carrier]();
console.log((await (await fetch(`${base}/_twin`)).json()).reached);
process.exit();
