// What pay needs before it has something to show: an agent with a key, a vendor, a policy, credit, payments.
import assert from 'node:assert/strict';
import { field, open, press, text } from './steps.mjs';

let calls = 0;

// A call of the public API: with an agent's key, else with the session of the tab.
export async function call(tab, method, path, body, key) {
  const answer = await tab.evaluate(async ([method, path, body, key, number]) => {
    const response = await fetch(path, {
      method,
      credentials: key ? 'omit' : 'same-origin',
      headers: {
        accept: 'application/json',
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(method === 'GET' ? {} : { 'idempotency-key': `browser-${number}` }),
        ...(key ? { authorization: `Bearer ${key}` } : {}),
      },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, text };
  }, [method, path, body ?? null, key ?? null, `${Date.now()}-${calls += 1}`]);
  assert.ok(answer.status < 400, `${method} ${path} answered ${answer.status}: ${answer.text.slice(0, 600)}`);
  return answer.text.startsWith('{') || answer.text.startsWith('[') ? JSON.parse(answer.text) : answer.text;
}

const last = (tab) => new URL(tab.url()).pathname.split('/').pop();

// Adds a paying agent by its form and answers its id and its key, which the page shows once.
export async function addAgent(tab, name = 'Buyer', risk = 'LOW') {
  await open(tab, '/pay/principals');
  await field(tab, 'Name').fill(name);
  await field(tab, 'Risk tier').selectOption(risk);
  await press(tab, 'Add');
  const id = last(tab);
  await press(tab, 'Make key');
  const key = /aop_[A-Za-z0-9_-]{20,}/.exec(await text(tab))[0];
  return { id, key };
}

export async function addVendor(tab, name, rails = ['Balances held here', 'Stripe', 'Cashfree']) {
  await open(tab, '/pay/vendors');
  await field(tab, 'Name').fill(name);
  for (const box of await tab.locator('main input[name=rails]').all()) await box.uncheck();
  for (const rail of rails) await tab.locator('main').getByRole('checkbox', { name: rail }).check();
  await press(tab, 'Add');
  return last(tab);
}

const caps = (one, day, approval) => ({
  per_transaction_minor: one, per_day_minor: day, per_month_minor: day * 10, approval_above_minor: approval,
});

// A version that allows `search` from these vendors in four currencies; above 500 dollars a person agrees.
export async function allow(tab, principal, vendors) {
  return call(tab, 'POST', '/api/v1/policies', {
    principal_id: principal,
    rules: {
      skus: ['search'],
      vendors,
      caps: { AUD: caps(100_000, 1_000_000, 50_000), INR: caps(50_000_000, 90_000_000), JPY: caps(500_000, 900_000), KWD: caps(500_000, 900_000) },
      zone: 'Australia/Sydney',
      rails: ['ledger', 'stripe', 'cashfree'],
      valid_from: '2026-01-01T00:00:00Z',
    },
  });
}

// Books credit by the form of whoever runs the installation.
export async function credit(tab, amount, currency, reference) {
  await open(tab, '/pay/accounts');
  const form = tab.locator('#credit-form');
  await field(tab, 'Amount', form).fill(amount);
  await field(tab, 'Currency', form).selectOption(currency);
  await field(tab, 'Where the money arrived', form).selectOption('stripe');
  await field(tab, 'Reference', form).fill(reference);
  await press(tab, 'Book it', form);
}

// Intent and mandate; answers what the API said about the mandate (201 signed, 202 waits for a person).
export async function mandate(tab, agent, vendor, minor, currency) {
  const intent = await call(tab, 'POST', '/api/v1/purchase-intents',
    { vendor_id: vendor, sku: 'search', amount_minor: minor, currency, description: 'For the weekly report' }, agent.key);
  return call(tab, 'POST', '/api/v1/mandates', { intent_id: intent.id, template: 'micro_task' }, agent.key);
}

export async function pay(tab, agent, vendor, minor, currency) {
  const made = await mandate(tab, agent, vendor, minor, currency);
  return call(tab, 'POST', '/api/v1/execute', { mandate_id: made.id }, agent.key);
}
