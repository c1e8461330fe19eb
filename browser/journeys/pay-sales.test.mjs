// What pay shows of money that comes and goes by other ways: paid resources that an agent really buys,
// comparisons with a rail, exchanges of currencies, fees of disputes. What a page writes is read back.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { addAgent, call, credit } from '../lib/pay.mjs';
import { field, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, stripe;
const test = chapters(() => ({ agency, tab }));
const seen = { pages: new Set(['/pay/resources', '/pay/reconciliation', '/pay/reconciliation?resolved=true', '/pay/exchanges', '/pay/exchange-rates', '/pay/rails/stripe']) };

// A wallet; its key guards nothing.
const WALLET = { key: '11'.repeat(32), address: '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A' };
const SELLER = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const CHAIN = 84_532;

before(async () => {
  [agency, browser] = await Promise.all([Agency.start({ AGENCY__OUTSIDE__ALLOW_LOOPBACK: 'true' }), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
});

after(async () => {
  await browser?.close();
  stripe?.close();
  await agency?.stop();
});

// The rows of a table of the page, cell by cell.
const rows = (name) => tab.locator('main table').filter({ has: tab.locator(`caption:has-text("${name}")`) }).or(tab.getByRole('table', { name, exact: true })).first().locator('tbody tr')
  .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
const refused = (act) => assert.rejects(act, /led to 422/);

test('something is put on sale by its form, and its address asks for the price', async () => {
  await open(tab, '/pay/resources');
  assert.match(await text(tab), /Nothing is sold[\s\S]*No wallet holds anything/);
  await field(tab, 'Name').fill('Weekly report');
  await field(tab, 'Price').fill('0.75');
  await field(tab, 'Wallet that is paid').fill('0x123');
  await field(tab, 'What is delivered').fill('{"answer":42}');
  await refused(() => press(tab, 'Add'));
  assert.equal(await field(tab, 'Price').inputValue(), '0.75', 'what was typed stays');
  await field(tab, 'Wallet that is paid').fill(SELLER);
  await press(tab, 'Add');
  seen.resource = new URL(tab.url()).pathname;
  seen.pages.add(seen.resource).add(`/pay/payees/${seen.resource.split('/').pop()}`);
  const shown = await text(tab);
  assert.match(shown, /Price\s+\$0\.75|Price\s+US\$0\.75/);
  assert.match(shown, /Nobody has paid yet/);
  seen.sold = `${agency.url}/x402/r/${seen.resource.split('/').pop()}`;
  const asks = await fetch(seen.sold);
  assert.equal(asks.status, 402);
  const required = JSON.parse(Buffer.from(asks.headers.get('payment-required'), 'base64').toString());
  assert.deepEqual([required.accepts[0].amount, required.accepts[0].payTo], ['750000', SELLER]);
  await open(tab, '/pay/resources');
  const [first] = await rows('Paid resources');
  assert.deepEqual([first[0], first[1]], ['Weekly report', 'On sale']);
});

test('a wallet is given simulated tokens, and an agent buys: the sale, the balances and the payment say so', async () => {
  await open(tab, '/pay/resources');
  const gift = tab.locator('#gift');
  await field(tab, 'Wallet', gift).fill(WALLET.address);
  await field(tab, 'Tokens', gift).fill('5.00');
  await press(tab, 'Give', gift);
  const held = async () => Object.fromEntries((await rows('Simulated wallets')).map(([wallet, , units]) => [wallet.toLowerCase(), units]));
  assert.deepEqual(await held(), { [WALLET.address.toLowerCase()]: '5000000' });
  const usdc = { network: `eip155:${CHAIN}`, asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', name: 'USDC', version: '2', decimals: 6, currency: 'USD' };
  await call(tab, 'PUT', '/api/v1/rails', {
    rail: 'x402', key: WALLET.key, rpc_url: `${agency.url}/x402/rpc/${CHAIN}`,
    tokens: [usdc],
  });
  const agent = await addAgent(tab);
  const vendor = await call(tab, 'POST', '/api/v1/vendors', { name: 'Ourselves', rails: ['x402'], x402_endpoint: seen.sold });
  const caps = { per_transaction_minor: 200, per_day_minor: 1_000, per_month_minor: 10_000 };
  await call(tab, 'POST', '/api/v1/policies', { principal_id: agent.id, rules: {
    skus: ['report'], vendors: [vendor.id], caps: { USD: caps }, rails: ['x402'], x402_enabled: true, valid_from: '2026-01-01T00:00:00Z' } });
  const intent = await call(tab, 'POST', '/api/v1/purchase-intents', { vendor_id: vendor.id, sku: 'report', amount_minor: 75, currency: 'USD' }, agent.key);
  const made = await call(tab, 'POST', '/api/v1/mandates', { intent_id: intent.id, template: 'micro_task' }, agent.key);
  const paid = await call(tab, 'POST', '/api/v1/execute', { mandate_id: made.id }, agent.key);
  assert.equal(paid.payment.status, 'succeeded', JSON.stringify(paid));
  await open(tab, '/pay/resources');
  assert.deepEqual(await held(), { [WALLET.address.toLowerCase()]: '4250000', [SELLER.toLowerCase()]: '750000' });
  await open(tab, seen.resource);
  const [sale] = await rows('Sales');
  assert.equal(sale[1], 'Paid and delivered');
  assert.equal(sale[2].toLowerCase(), WALLET.address.toLowerCase());
  assert.match(sale[3], /0\.75$/);
  assert.match(sale[4], /^0x[0-9a-f]{64}$/);
  await open(tab, '/pay/payments');
  assert.match((await rows('Payments'))[0].join(' '), /0\.75.*Succeeded.*x402/);
  await open(tab, `/pay/payees/${seen.resource.split('/').pop()}`);
  assert.match(await text(tab), /pays your own wallet[\s\S]*0\.75/);
});

test('a changed price is asked from then on', async () => {
  await open(tab, seen.resource);
  await field(tab, 'Price').fill('1.25');
  await press(tab, 'Save');
  const required = JSON.parse(Buffer.from((await fetch(seen.sold)).headers.get('payment-required'), 'base64').toString());
  assert.equal(required.accepts[0].amount, '1250000');
});

test('a rail is compared with what is here: a difference is found, and somebody says what was done', async () => {
  const port = await freePort();
  const foreign = { id: 'pi_foreign', object: 'payment_intent', amount: 4711, amount_received: 4711, currency: 'aud', status: 'succeeded', metadata: {}, created: Math.floor(Date.now() / 1000) - 600 };
  stripe = createServer((request, response) => {
    const list = { object: 'list', has_more: false, data: request.url.startsWith('/v1/payment_intents') ? [foreign] : [] };
    const body = request.url.startsWith('/v1/balance') ? { object: 'balance', available: [], pending: [], livemode: false } : list;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise((resolve) => stripe.listen(port, '127.0.0.1', resolve));
  await call(tab, 'PUT', '/api/v1/rails', { rail: 'stripe', secret_key: 'sk_test_browser', payment_method: 'pm_card_visa', base_url: `http://127.0.0.1:${port}` });
  await open(tab, '/pay/reconciliation');
  assert.match(await text(tab), /Everything agrees[\s\S]*Nothing was compared yet/);
  await field(tab, 'Hours back').fill('24');
  await press(tab, 'Compare now');
  const compared = await until('the comparison is done', async () => {
    await open(tab, '/pay/reconciliation');
    const runs = await rows('Comparisons');
    return runs.some(([rail, , state]) => rail === 'Stripe' && /Done|Failed|Compared/.test(state)) && runs;
  }, 40);
  assert.ok(compared.length >= 1, JSON.stringify(compared));
  const found = await rows('Differences');
  assert.equal(found.length, 1, JSON.stringify([compared, found, await text(tab)]));
  assert.match(found[0].join(' '), /pi_foreign/);
  assert.match(found[0].join(' '), /47\.11/);
  await tab.locator('main details summary', { hasText: 'Resolve' }).click();
  await field(tab, 'What was done').fill('Refunded at Stripe by hand');
  await press(tab, 'Resolve');
  await open(tab, '/pay/reconciliation?resolved=true');
  assert.match((await rows('Differences'))[0].join(' '), /pi_foreign[\s\S]*Refunded at Stripe by hand/);
  await open(tab, '/pay/reconciliation');
  assert.match(await text(tab), /Open \(0\)[\s\S]*Resolved \(1\)/);
});

test('paid credit is exchanged at a rate that was written down, and both accounts and the entry say so', async () => {
  await credit(tab, '100.00', 'AUD', 'browser');
  await open(tab, '/pay/exchanges');
  assert.match(await text(tab), /No rates yet/);
  await open(tab, '/pay/exchange-rates');
  await field(tab, 'Rates').fill('AUD INR 54.80\nUSD JPY 151.5');
  await field(tab, 'Where they come from').fill('The bank, this morning');
  await field(tab, 'Spread, in hundredths of a percent').fill('75');
  await press(tab, 'Write them down');
  assert.deepEqual((await rows('Rates')).map((row) => row.slice(0, 4)).toSorted(), [
    ['1 AUD = 54.80 INR', '0.75 %', 'Valid', 'The bank, this morning'], ['1 USD = 151.5 JPY', '0.75 %', 'Valid', 'The bank, this morning']]);
  await open(tab, '/pay/accounts');
  await press(tab, 'Exchange');
  await field(tab, 'Give').fill('50.00');
  await field(tab, 'Of').selectOption('AUD');
  await field(tab, 'For').selectOption('KWD');
  await refused(() => press(tab, 'Ask for a quote'));
  assert.match(await text(tab), /No rate of AUD and KWD counts now/);
  await field(tab, 'For').selectOption('INR');
  await press(tab, 'Ask for a quote');
  seen.pages.add(new URL(tab.url()).pathname);
  // 50.00 less 0.38 is 49.62, times 54.80.
  assert.match(await text(tab), /A\$50\.00 for ₹2,719\.17[\s\S]*A\$0\.38/);
  await press(tab, 'Exchange now');
  assert.match(await text(tab), /Exchanged A\$50\.00 for ₹2,719\.17/);
  await open(tab, '/pay/accounts');
  const shown = await text(tab);
  for (const money of ['A$50.00', '₹2,719.17']) assert.ok(shown.includes(money), `${money}: ${shown}`);
  await open(tab, '/pay/accounts?currency=INR');
  await press(tab, 'Paid credit');
  const [entry] = await rows('Entries');
  assert.deepEqual(entry.slice(0, 4), ['Exchange', '+₹2,719.17', 'Currency exchange', 'its exchange']);
  await press(tab, 'its exchange');
  assert.match(await text(tab), /The bank, this morning/);
});

test('what a dispute costs is written down on the page of its rail', async () => {
  await open(tab, '/pay/rails/stripe');
  await field(tab, 'Fee of a lost dispute').fill('25.00');
  await field(tab, 'Where that stands').fill('Contract, page 3');
  await press(tab, 'Counts from now on');
  const [fee] = await rows('Fees of disputes');
  assert.deepEqual([fee[0], fee[2]], ['A$25.00', 'Contract, page 3']);
});

test('every such page: nothing that axe finds in both themes, nothing wider than a phone, no script error', async () => {
  await fine(tab, seen.pages);
});

test('without scripts every such page shows what it shows with them', async () => {
  const plain = await page(browser, { javaScriptEnabled: false });
  plain.home = agency.url;
  await plain.context().addCookies(await tab.context().cookies());
  for (const path of seen.pages) await open(plain, path);
  await plain.context().close();
});

test('what is taken off sale answers nobody', async () => {
  await open(tab, seen.resource);
  tab.once('dialog', (dialog) => dialog.accept());
  await tab.getByRole('button', { name: 'Take off sale' }).first().click();
  const sure = tab.locator('dialog[open]').getByRole('button', { name: 'Take off sale' });
  await Promise.race([sure.waitFor({ timeout: 3_000 }).then(() => sure.click()), tab.waitForURL(/resources/)]).catch(() => {});
  await until('it is off sale', async () => (await fetch(seen.sold)).status === 404, 10);
});
