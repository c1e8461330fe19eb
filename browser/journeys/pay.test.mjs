// Agents that pay, on every page of pay: what a page writes is read back from another, in both themes, on a
// phone, with nothing that axe finds.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { addAgent, addVendor, allow, call, credit, mandate, pay } from '../lib/pay.mjs';
import { field, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, stripe;
const test = chapters(() => ({ agency, tab }));
const seen = { pages: new Set(['/pay/intents', '/pay/payments', '/pay/receipts', '/pay/mandates', '/pay/accounts', '/pay/statement', '/pay/payouts', '/pay/disputes', '/pay/principals', '/pay/policies', '/pay/vendors', '/pay/rails', '/pay/rails/stripe', '/pay/rails/cashfree', '/pay/rails/x402']) };

before(async () => {
  [agency, browser] = await Promise.all([Agency.start(), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
});

after(async () => {
  await browser?.close();
  stripe?.close();
  await agency?.stop();
});

// The rows of the first table of the page, cell by cell.
const rows = (within = tab.locator('main')) => within.locator('table').first().locator('tbody tr')
  .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));

// The form is shown again with what was wrong.
const refused = (act) => assert.rejects(act, /led to 422/);

test('every page of pay is empty in words before anything happened', async () => {
  for (const path of seen.pages) {
    await open(tab, path);
    assert.ok((await text(tab)).length > 60, path);
  }
  await open(tab, '/pay/accounts');
  assert.match(await text(tab), /No accounts yet/);
  await open(tab, '/pay/disputes');
  assert.match(await text(tab), /No disputes/);
  await open(tab, '/pay/payouts');
  assert.match(await text(tab), /Nobody earned anything yet/);
});

test('an agent, a vendor and credit are made by forms and stand on their pages', async () => {
  seen.agent = await addAgent(tab);
  seen.vendor = await addVendor(tab, 'Search Ltd');
  seen.policy = (await allow(tab, seen.agent.id, [seen.vendor])).id;
  for (const [amount, currency] of [['1000.00', 'AUD'], ['200000.00', 'INR'], ['5000', 'JPY'], ['20.500', 'KWD']]) {
    await credit(tab, amount, currency, `credit ${currency}`);
  }
  await open(tab, '/pay/accounts');
  const shown = await text(tab);
  for (const money of ['A$1,000.00', '₹2,00,000.00', '¥5,000', 'KWD 20.500']) assert.ok(shown.includes(money), `${money}: ${shown}`);
  await refused(() => credit(tab, '999', 'AUD', 'credit AUD'));
  assert.match(await text(tab), /was booked with another amount/);
  seen.pages.add(`/pay/principals/${seen.agent.id}`).add(`/pay/vendors/${seen.vendor}`).add(`/pay/policies/${seen.policy}`)
    .add(`/pay/policies/write?principal=${seen.agent.id}`);
});

test('payments in four currencies print as people write them, and lead to their rows', async () => {
  for (const [minor, currency, written] of [[12_345, 'AUD', 'A$123.45'], [12_345_600, 'INR', '₹1,23,456.00'], [1_234, 'JPY', '¥1,234'], [1_234, 'KWD', 'KWD 1.234']]) {
    const paid = await pay(tab, seen.agent, seen.vendor, minor, currency);
    assert.equal(paid.payment.status, 'succeeded');
    await open(tab, '/pay/payments');
    const [first] = await rows();
    assert.deepEqual([first[0], first[1]], [written, 'Succeeded']);
    seen.payment = paid.payment.id;
    if (currency === 'AUD') seen.aud = paid;
  }
  seen.pages.add(`/pay/payments/${seen.aud.payment.id}`).add(`/pay/receipts/${seen.aud.receipt.id}`)
    .add(`/pay/mandates/${seen.aud.payment.mandate_id}`).add(`/pay/intents/${seen.aud.payment.intent_id}`);
  await open(tab, `/pay/mandates/${seen.aud.payment.mandate_id}`);
  assert.match(await text(tab), /Verified/);
  await press(tab, 'A$123.45');
  assert.equal((await rows()).length, 1, 'the number on the mandate leads to its payment');
});

test('part of a payment is given back by its form, and the timeline and the receipts say so', async () => {
  const path = `/pay/payments/${seen.aud.payment.id}`;
  await open(tab, path);
  await field(tab, 'Amount').fill('23.45');
  await field(tab, 'Why').fill('Too late');
  await press(tab, 'Refund');
  const shown = await text(tab);
  assert.match(shown, /Partly refunded/);
  assert.match(shown, /A\$23\.45 Given back/);
  await open(tab, '/pay/receipts');
  const list = await rows();
  assert.deepEqual([list[0][1], list[0][2]], ['Refunded', 'A$23.45']);
  await press(tab, 'Check the chain');
  assert.match(await text(tab), /Everything is sound\.[\s\S]*5 receipts: that the numbers have no gap/);
});

test('an account adds up: its five figures, its entries, and the statement with its files', async () => {
  await open(tab, '/pay/accounts?currency=AUD');
  const wallet = (await rows()).find(([name]) => name === 'Paid credit');
  // 1,000.00 came in and 23.45 came back; 123.45 went out.
  assert.deepEqual(wallet.slice(1), ['A$1,023.45', 'A$123.45', 'A$0.00', 'A$0.00', 'A$900.00']);
  await press(tab, 'Paid credit');
  const account = new URL(tab.url()).pathname;
  seen.pages.add(account);
  const entries = await rows();
  // What was given back came out of the vendor's share and out of the platform's.
  assert.deepEqual(entries.slice(0, 2).map((row) => row.slice(0, 4)).toSorted(), [
    ['Refund', '+A$18.76', 'Earnings', 'its payment'], ['Refund', '+A$4.69', 'Platform fee', 'its payment']], JSON.stringify(entries));
  await press(tab, 'Statement');
  const kpi = await tab.locator('section.kpis strong').allInnerTexts();
  assert.deepEqual(kpi, ['A$0.00', '+A$900.00', 'A$900.00', 'A$900.00']);
  const balances = (await rows()).map((row) => row.at(-1));
  assert.equal(balances.at(-1), 'A$900.00');
  seen.pages.add(new URL(tab.url()).pathname + new URL(tab.url()).search);
  const csv = await call(tab, 'GET', await tab.getByRole('link', { name: 'CSV of this account' }).getAttribute('href'));
  const lines = csv.trim().split('\r\n').slice(1).map((line) => line.split(','));
  const moved = lines.filter((cells) => cells[3] === 'line').reduce((sum, cells) => sum + Number(cells[9]), 0);
  assert.equal(moved, 90_000);
  const journal = await call(tab, 'GET', await tab.getByRole('link', { name: 'Journal for hledger' }).getAttribute('href'));
  assert.match(journal, /Liabilities:Wallet/);
});

test('a mandate above the threshold waits in the approvals and is signed byte for byte', async () => {
  const waiting = await mandate(tab, seen.agent, seen.vendor, 60_000, 'AUD');
  assert.ok(waiting.approval_id, JSON.stringify(waiting));
  await open(tab, '/approvals');
  const card = tab.locator('article.approval', { hasText: 'Buyer wants to pay Search Ltd up to A$600.00' });
  assert.equal(await card.count(), 1);
  await open(tab, `/approvals/${waiting.approval_id}`);
  seen.pages.add(`/approvals/${waiting.approval_id}`);
  const shown = await text(tab);
  assert.match(shown, /Who pays\s+Buyer/);
  const digest = /Content digest\s+([0-9a-f]{64})/.exec(shown)[1];
  assert.match(digest, /^[0-9a-f]{64}$/);
  await press(tab, 'Approve');
  const signed = await until('the mandate is signed', async () => {
    const found = await call(tab, 'GET', `/api/v1/mandates/${waiting.mandate_id}`);
    return found.token && found;
  }, 20);
  await open(tab, `/pay/mandates/${signed.id}`);
  const page = await text(tab);
  assert.match(page, /Agreed to by\s+Alex Morgan/);
  assert.match(page, /Verified/);
  await field(tab, 'Why').fill('Changed our mind');
  await press(tab, 'Revoke the mandate');
  assert.match(await text(tab), /Revoked: Changed our mind/);
});

test('a policy tester names every rule that a payment would break', async () => {
  await open(tab, `/pay/policies/${seen.policy}`);
  await field(tab, 'SKU').fill('yacht');
  await field(tab, 'Amount').fill('2000.00');
  await field(tab, 'Currency').selectOption('AUD');
  await press(tab, 'Would this pass?');
  const broken = (await rows()).map(([rule]) => rule);
  for (const rule of ['sku_not_allowed', 'amount_exceeds_cap', 'approval_required']) assert.ok(broken.includes(rule), broken.join());
});

test('a rail is set up with sealed keys, tells whether it answers, and shows no key again', async () => {
  const port = await freePort();
  await open(tab, '/pay/rails/stripe');
  await field(tab, 'Secret key').fill('sk_test_browser_4711');
  await field(tab, 'Signing secrets of the webhook').fill('whsec_browser');
  await field(tab, 'Saved payment method').fill('pm_card_visa');
  await field(tab, 'Address of the service').fill(`http://127.0.0.1:${port}`);
  await press(tab, 'Save');
  assert.match(await text(tab), /Set up[\s\S]*Test no real money moves/);
  assert.ok(!(await tab.content()).includes('browser_4711'), 'the key is not shown again');
  await press(tab, 'Test the connection');
  assert.match(await text(tab), /Does not answer/);
  stripe = createServer((request, response) => {
    const known = request.headers.authorization?.includes('sk_test_browser_4711') || request.headers.authorization === `Basic ${btoa('sk_test_browser_4711:')}`;
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { object: 'balance', available: [], pending: [], livemode: false } : { error: { type: 'invalid_request_error', message: 'Invalid API Key' } }));
  });
  await new Promise((resolve) => stripe.listen(port, '127.0.0.1', resolve));
  await press(tab, 'Test the connection');
  assert.match(await text(tab), /Stripe answered just now and knows this account/);
  // Another field is changed: the keys stay.
  await field(tab, 'Customer').fill('cus_1');
  await press(tab, 'Save');
  await press(tab, 'Test the connection');
  assert.match(await text(tab), /Stripe answered just now/);
  await open(tab, '/pay/rails');
  assert.deepEqual((await rows()).map((row) => row.slice(0, 2)), [['Balances held here', 'Always there'], ['Stripe', 'Set up'], ['Cashfree', 'Not set up'], ['x402', 'Not set up']]);
  await open(tab, '/pay/rails/cashfree');
  await field(tab, 'App id').fill('app');
  await field(tab, 'Payer\'s phone number').fill('+919876543210');
  await field(tab, 'Payer\'s UPI address').fill('name@bank');
  await refused(() => press(tab, 'Save'));
  assert.match(await text(tab), /Secrets(: missing| is missing)/);
  assert.equal(await field(tab, 'App id').inputValue(), 'app', 'what was typed stays');
});

test('what a vendor earned is kept back, and nothing is paid before its identity is checked', async () => {
  await open(tab, '/pay/payouts');
  await press(tab, 'Search Ltd');
  const here = new URL(tab.url()).pathname;
  seen.pages.add(`${here}?currency=AUD`).add(`${here}?currency=INR`);
  await open(tab, `${here}?currency=AUD`);
  // 100.00 of the payment stayed, less the platform's fifth.
  assert.match(await text(tab), /Kept back\s+A\$80\.00/);
  assert.match(await text(tab), /Say first where the earnings go/);
  await field(tab, 'Account there').fill('acct_browser');
  await press(tab, 'Save');
  assert.match(await text(tab), /identity was not checked yet/);
  tab.once('dialog', (dialog) => dialog.accept());
  await tab.getByRole('button', { name: 'The identity is good' }).click();
  const sure = tab.locator('dialog[open]').getByRole('button', { name: 'The identity is good' });
  await Promise.race([sure.waitFor({ timeout: 3_000 }).then(() => sure.click()), tab.waitForURL(/currency/)]).catch(() => {});
  await until('the check stands', async () => /At least A\$10\.00 is paid out/.test(await text(tab)), 10);
});

test('every page of pay: nothing that axe finds in both themes, nothing wider than a phone, no script error', async () => {
  await fine(tab, seen.pages);
});

test('raw words of the machine stand on no page of pay', async () => {
  const raw = /\b(partially_refunded|micro_task|recurring_budget|psp_stripe|trial_credit|payout_in_transit|top_up|dispute_open|principal:[0-9a-f-]{8})/;
  const found = [];
  for (const path of seen.pages) {
    await open(tab, path);
    // What was hashed and signed is shown as it is.
    const shown = await tab.evaluate(() => {
      const main = document.querySelector('main').cloneNode(true);
      main.querySelectorAll('pre, code, details').forEach((el) => el.remove());
      return main.textContent;
    });
    const word = raw.exec(shown)?.[0];
    if (word) found.push(`${path} shows ${word}`);
  }
  assert.deepEqual(found, []);
});

test('without scripts every page of pay shows what it shows with them', async () => {
  const cookies = await tab.context().cookies();
  const plain = await page(browser, { javaScriptEnabled: false });
  plain.home = agency.url;
  await plain.context().addCookies(cookies);
  for (const path of seen.pages) await open(plain, path);
  await open(plain, '/pay/vendors');
  await field(plain, 'Name').fill('Plain Ltd');
  await press(plain, 'Add');
  assert.match(await text(plain), /Plain Ltd/);
  await plain.context().close();
});

test('the palette leads to the pages of pay, and a stranger sees none of their rows', async () => {
  await open(tab, '/palette?q=statement');
  assert.ok((await tab.locator('main a[href="/pay/statement"]').count()) > 0);
  const other = await page(browser);
  await signUp(other, agency.url, { name: 'Robin Other', email: 'robin@other.example', company: 'Other House' });
  await onboard(other, { legal: 'Other House Pty Ltd' });
  const leaks = [];
  for (const path of seen.pages) {
    const answer = await other.goto(agency.url + path);
    const shown = await other.locator('body').innerText();
    if (/[0-9a-f]{8}-[0-9a-f]{4}/.test(path) && answer.status() !== 404) leaks.push(`${path} answered ${answer.status()}`);
    for (const word of ['Search Ltd', 'Buyer', 'A$123.45']) if (shown.includes(word)) leaks.push(`${path} shows ${word}`);
  }
  assert.deepEqual(leaks, []);
  // Who does not run the installation books no credit.
  await other.goto(`${agency.url}/pay/accounts`);
  assert.equal(await other.locator('#credit-form').count(), 0);
  await other.context().close();
});
