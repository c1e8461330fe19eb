#!/usr/bin/env node
// An agent that pays, on Node.js alone (22.18 or newer runs this file as it is).
//
// AGENCY_URL=http://127.0.0.1:8080 AGENCY_KEY=aop_… node pay.mts VENDOR SKU AMOUNT_MINOR CURRENCY [ORDER]
//
// Says what it wants (intent), asks for the permission (mandate), pays (execute) and prints the receipt.
// ORDER names the purchase: the same name again is the same purchase, never a second one.

export type Payment = {
  id: string;
  status: string;
  rail: string;
  amount_minor: number;
  currency: string;
};
export type Receipt = { sequence: number; curr_hash: string };
export type Paid = { payment: Payment; receipt: Receipt | null };
export type Want = { vendor_id: string; sku: string; amount_minor: number; currency: string };
type Problem = { code?: string; title?: string; detail?: string; violations?: { code: string }[] };

/** The answer is no. `code` never changes; every broken rule is in `violations`. */
export class Refused extends Error {
  status: number;
  code: string;
  violations: string[];

  constructor(status: number, problem: Problem) {
    super(`${problem.code ?? "unknown"}: ${problem.detail ?? problem.title ?? ""}`);
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.violations = (problem.violations ?? []).map((broken) => broken.code);
  }
}

/** Worth another try with the same key: nothing happened, or it is still happening, or we cannot know. */
const AGAIN = new Set([409, 429, 500, 502, 503, 504]);
const TIMEOUT_MS = 65_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export class Agency {
  url: string;
  key: string;
  tries: number;

  constructor(url: string, key: string, tries = 6) {
    this.url = `${url.replace(/\/+$/, "")}/api/v1`;
    this.key = key;
    this.tries = tries;
  }

  /** One call; tried again only when that is safe: reads, and changes under one key. */
  async call<T>(path: string, body?: unknown, idempotencyKey?: string): Promise<[number, T]> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.key}`, accept: "application/json" };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      headers["idempotency-key"] = idempotencyKey ?? crypto.randomUUID();
    }
    const request: RequestInit = { method: body === undefined ? "GET" : "POST", headers };
    if (body !== undefined) request.body = JSON.stringify(body);
    for (let turn = 1; ; turn += 1) {
      let wait = Math.min(2 ** turn, 60) * 250;
      try {
        const answer = await fetch(this.url + path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
        if (answer.ok) return [answer.status, (await answer.json()) as T];
        const problem = (await answer.json().catch(() => ({}))) as Problem;
        const conflict = answer.status === 409 && !problem.code?.startsWith("idempotency");
        if (!AGAIN.has(answer.status) || conflict || turn === this.tries) throw new Refused(answer.status, problem);
        wait = Number(answer.headers.get("retry-after") ?? 0) * 1000 || wait;
      } catch (cause) {
        if (cause instanceof Refused || turn === this.tries) throw cause;
      }
      await sleep(wait);
    }
  }

  /** Looks until it is done; the last look if it is not by then. */
  async until<T>(path: string, done: (status: number, seen: T) => boolean, patienceMs = 60_000): Promise<T> {
    for (const end = Date.now() + patienceMs; ; ) {
      const [status, seen] = await this.call<T>(path);
      if (done(status, seen) || Date.now() > end) return seen;
      await sleep(1000);
    }
  }

  /** The payment and its receipt. Amounts are whole minor units: 430 is 4.30. */
  async buy(want: Want, order: string): Promise<Paid> {
    const [, intent] = await this.call<{ id: string }>("/purchase-intents", want, `${order}/intent`);
    const ask = { intent_id: intent.id, template: "micro_task" };
    let [status, mandate] = await this.call<{ id?: string; mandate_id?: string }>("/mandates", ask, `${order}/mandate`);
    if (status === 202) {
      // A person has to agree first.
      mandate = await this.until<{ id?: string }>(`/mandates/${mandate.mandate_id}`, (status) => status === 200);
      if (!mandate.id) throw new Refused(202, { code: "approval_required", detail: "Nobody has agreed yet." });
    }
    const pay = { mandate_id: mandate.id };
    let [ended, paid] = await this.call<Paid>("/execute", pay, `${order}/execute`);
    if (ended === 202) {
      // The rail is at work, or its answer was lost: it is looked up, never paid twice.
      const path = `/payments/${paid.payment.id}`;
      await this.until<{ receipts: Receipt[] }>(path, (_, seen) => seen.receipts.length > 0);
      [ended, paid] = await this.call<Paid>("/execute", pay, `${order}/execute`);
    }
    return paid;
  }
}

const [vendor_id, sku, amount, currency, order] = process.argv.slice(2);
const { AGENCY_URL, AGENCY_KEY } = process.env;
if (!vendor_id || !sku || !amount || !currency || !AGENCY_URL || !AGENCY_KEY) {
  console.error("AGENCY_URL=… AGENCY_KEY=… node pay.mts VENDOR SKU AMOUNT_MINOR CURRENCY [ORDER]");
  process.exit(2);
}
try {
  const want = { vendor_id, sku, amount_minor: Number(amount), currency };
  const { payment, receipt } = await new Agency(AGENCY_URL, AGENCY_KEY).buy(want, order ?? crypto.randomUUID());
  const { id, status, rail, amount_minor } = payment;
  const said = { payment: id, status, rail, amount_minor, currency: payment.currency };
  console.log(JSON.stringify({ ...said, receipt: receipt?.sequence ?? null, hash: receipt?.curr_hash ?? null }));
  process.exitCode = status === "succeeded" ? 0 : 1;
} catch (cause) {
  if (!(cause instanceof Refused)) throw cause;
  console.error(`refused, ${cause.message}`);
  process.exitCode = 1;
}
