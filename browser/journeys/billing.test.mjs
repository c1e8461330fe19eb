// A client on trial looks at its plans, buys one at the founding price on the provider's page, upgrades, runs
// into a card that is declined and pays late; every number is read back from the rows that this made; every
// page in both themes and on a phone. The provider is its twin, which sends signed webhooks.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, onboard, open, press, refused, signUp, text, until } from '../lib/steps.mjs';

const SECRET = 'whsec_browser_billing';
let agency, browser, tab, twin, subscription, invoice, client;
const test = chapters(() => ({ agency, tab }));

const order = async (what, body) => {
  const answer = await fetch(`${twin}/_twin/${what}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${what} answered ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
};
const ask = async (path) => (await fetch(`${twin}${path}`, { headers: { authorization: 'Bearer sk_test_browser' } })).json();
const api = (path) => tab.evaluate(async (path) => (await fetch(path, { headers: { accept: 'application/json' } })).json(), path);
// Presses the first of such buttons and says yes to what it asks.
const confirmed = async (name) => {
  await tab.locator('main').getByRole('button', { name }).first().click();
  await Promise.all([tab.waitForNavigation(), tab.locator('dialog[open]').getByRole('button', { name }).click()]);
};
const figure = async (label) => {
  const found = new RegExp(`^${label}\\s+([\\d,]+)`, 'm').exec(await text(tab));
  return found && Number(found[1].replace(/,/g, ''));
};

before(async () => {
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()];
  twin = `http://127.0.0.1:${ports[0]}`;
  [agency, browser] = await Promise.all([Agency.start({
    AGENCY__RAILS__TWINS: 'true',
    AGENCY__RAILS__STRIPE: `127.0.0.1:${ports[0]}`,
    AGENCY__RAILS__CASHFREE: `127.0.0.1:${ports[1]}`,
    AGENCY__RAILS__X402: `127.0.0.1:${ports[2]}`,
    AGENCY__WEB__LISTEN: `127.0.0.1:${ports[3]}`,
    AGENCY__WEB__PUBLIC_URL: `http://127.0.0.1:${ports[3]}`,
    AGENCY__BILLING__STRIPE_KEY: 'sk_test_browser',
    AGENCY__BILLING__STRIPE_WEBHOOK_SECRET: SECRET,
    AGENCY__BILLING__STRIPE_URL: twin,
    AGENCY__BILLING__SELLER_NAME: 'Bright Holdings Pty Ltd',
    AGENCY__BILLING__SELLER_ABN: '51 824 753 556',
    AGENCY__BILLING__SELLER_ADDRESS: '1 George Street, Sydney NSW 2000',
  }), launch()]);
  await until('the twin', async () => (await fetch(`${twin}/_twin`)).ok);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await order('webhook', { url: `${agency.url}/webhooks/billing`, secret: SECRET, duplicate: true, reorder: false });
});

after(async () => {
  await browser?.close();
  await agency?.stop();
});

test('a trial shows its days and credits, each with its rows', async () => {
  await open(tab, '/');
  await tab.locator('nav.side').getByRole('link', { name: 'Billing' }).click();
  await tab.waitForURL(/\/billing$/);
  assert.equal(await figure('Trial days left'), 14);
  assert.equal(await figure('Credits left'), 1250);
  assert.match(await text(tab), /20 founding spots are left/);
  await open(tab, '/billing/credits');
  assert.match(await text(tab), /Granted/);
});

test('a plan is chosen, looked at, and paid at the provider', async () => {
  await open(tab, '/billing');
  await press(tab, /^Choose Ignition|^Choose/);
  const looked = await text(tab);
  assert.match(looked, /Price a month\s+A\$1,250\.00/);
  assert.match(looked, /number 1, 50% off for life/);
  assert.match(looked, /GST 10%, on top/);
  assert.match(looked, /when the trial ends/);
  await tab.locator('main').getByRole('link', { name: 'Continue to payment' }).click();
  await tab.waitForURL(/\/_twin\/checkout\//);
  await tab.getByRole('button', { name: 'Subscribe with a card that is declined' }).click();
  assert.match(await text(tab), /declined/);
  await tab.getByRole('button', { name: 'Subscribe', exact: true }).click();
  await tab.waitForURL(/\/billing\/checkout\/.*back=paid/);
  assert.match(await text(tab), /The plan counts now/);
  subscription = (await ask('/v1/subscriptions')).data[0].id;
  assert.equal((await api('/api/v1/billing')).standing, 'trialing');
});

test('when the trial ends the first invoice is paid, and the month\'s credits are there', async () => {
  await order('renew', { subscription });
  await until('the first paid period', async () => (await api('/api/v1/billing')).standing === 'active');
  await until('the invoice', async () => (await api('/api/v1/billing/invoices')).rows.length === 1);
  await open(tab, '/billing');
  assert.equal(await figure('Credits left'), 1250);
  assert.match(await text(tab), /INV-000001[\s\S]*A\$1,250\.00\s+A\$125\.00\s+A\$1,375\.00\s+Paid/);
  await press(tab, 'INV-000001');
  invoice = new URL(tab.url()).pathname;
  assert.match(await text(tab), /ABN 51 824 753 556/);
  const paper = await tab.evaluate(async (path) => {
    const answer = await fetch(path);
    return [answer.headers.get('content-type'), (await answer.text()).slice(0, 5)];
  }, `${invoice}/pdf`);
  assert.deepEqual(paper, ['application/pdf', '%PDF-']);
});

test('an upgrade adds the difference at once, a smaller plan waits', async () => {
  await open(tab, '/billing');
  await confirmed(/^Upgrade/);
  assert.match(await text(tab), /2,250/);
  assert.equal(await figure('Credits left'), 2250);
  await open(tab, '/billing/credits');
  assert.match(await text(tab), /Added by an upgrade\s+\+1,000/);
  await open(tab, '/billing');
  await confirmed(/^Choose/);
  assert.match(await text(tab), /From the next period\s+Ignition/);
  assert.equal(await figure('Credits left'), 2250);
});

test('a declined card stops outreach, and paying late starts it again', async () => {
  const { customer } = await ask(`/v1/subscriptions/${subscription}`);
  await order('card', { customer, card: 'pm_card_chargeDeclined' });
  await order('renew', { subscription });
  await until('the missing payment', async () => (await api('/api/v1/billing')).standing === 'past_due');
  await until('the reminder', async () => {
    await open(tab, '/billing');
    return /Reminders[\s\S]*Sent/.test(await text(tab));
  });
  assert.match(await text(tab), /Nothing is sent now/);
  await open(tab, '/notifications');
  assert.match(await text(tab), /A payment is missing/);
  await open(tab, '/billing');
  await tab.locator('main').getByRole('link', { name: 'Pay the open invoice' }).click();
  await tab.waitForURL(/\/_twin\/invoice\//);
  await tab.getByRole('button', { name: 'Pay with another card' }).click();
  await open(tab, '/billing');
  await until('it goes on', async () => (await api('/api/v1/billing')).standing === 'active');
  await open(tab, '/billing');
  assert.equal(await figure('Credits left'), 1250);
});

test('the provider\'s portal is a link away, and a plan that is cancelled can be kept', async () => {
  await open(tab, '/billing');
  await tab.locator('main').getByRole('link', { name: 'Card and payments' }).click();
  await tab.waitForURL(/\/_twin\/portal\//);
  await tab.getByRole('button', { name: 'Cancel the plan' }).click();
  await tab.getByRole('button', { name: 'Return' }).click();
  await tab.waitForURL(/\/billing/);
  await until('the word arrives', async () => {
    await open(tab, '/billing');
    return /Keep the plan/.test(await text(tab));
  });
  await press(tab, 'Keep the plan');
  assert.match(await text(tab), /Cancel the plan/);
});

test('whoever runs the installation sees plans with sources, founding spots and what the client leaves over', async () => {
  await open(tab, '/platform/billing');
  const shown = await text(tab);
  assert.equal(await figure('Paying clients'), 1);
  assert.equal(await figure('Founding spots taken'), 1);
  assert.match(shown, /Dominance\s+A\$7,500\.00\s+on top\s+4,500\s+20\s+5\s+no limit/);
  assert.match(shown, /gst\.AU/);
  const paid = (await api('/api/v1/billing/invoices')).rows.filter((one) => one.status === 'paid');
  const sum = paid.reduce((all, one) => all + one.net_minor, 0);
  const money = `$${(sum / 100).toLocaleString('en-AU', { minimumFractionDigits: 2 })}`;
  assert.ok(paid.length >= 3 && shown.includes(money), `${money} is not in ${shown}`);
  await tab.locator('#margins, [id=margins]').first().getByRole('link', { name: 'Bright Agency' }).click();
  await tab.waitForURL(/\/platform\/billing\/[0-9a-f-]{36}/);
  client = new URL(tab.url()).pathname;
  const rows = await text(tab);
  for (const one of paid) assert.match(rows, new RegExp(one.number));
});

test('a plan is changed from a day on by a row more; what is wrong is said at its field', async () => {
  await open(tab, '/platform/billing');
  const change = tab.locator('#plans tbody tr').filter({ hasText: 'Dominance' }).getByRole('link', { name: /^Change/ });
  await Promise.all([tab.waitForNavigation(), change.click()]);
  assert.match(await text(tab), /Change Dominance from a day on/);
  assert.equal(await field(tab, 'Price a month in AUD').inputValue(), '7500.00');
  const day = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
  await field(tab, 'Price a month in AUD').fill('7,900');
  await field(tab, 'Campaigns at once').fill('25');
  await field(tab, 'People').fill('12');
  await field(tab, 'From this day on').fill(day);
  await field(tab, 'Where this comes from').fill('Price list of next summer');
  const said = await refused(tab, 'Add this row');
  assert.match(said, /“7,900” is not an amount in AUD/);
  assert.match(said, /Change Dominance from a day on/);
  assert.equal(await field(tab, 'Campaigns at once').inputValue(), '25');
  assert.equal((await text(tab)).includes('From then on'), false);
  await field(tab, 'Price a month in AUD').fill('7900');
  await press(tab, 'Add this row');
  const rows = tab.locator('#plans tbody tr').filter({ hasText: 'Dominance' });
  assert.equal(await rows.count(), 2);
  assert.match(await rows.nth(0).innerText(), /A\$7,900\.00[\s\S]*4,500[\s\S]*25[\s\S]*5[\s\S]*12[\s\S]*From then on[\s\S]*Price list of next summer/);
  assert.match(await rows.nth(1).innerText(), /A\$7,500\.00[\s\S]*no limit[\s\S]*Sold now/);
  // It is not sold before its day.
  const sold = (await api('/api/v1/billing/plans')).find((plan) => plan.code === 'dominance');
  assert.deepEqual([sold.price_minor, sold.campaigns, sold.people], [750000, 20, null]);
});

test('billing shows what is used of the plan, and a full team is told why nobody more is invited', async () => {
  const invite = async (email) => {
    await open(tab, '/settings/team');
    await field(tab, 'E-mail').fill(email);
    await tab.getByRole('radio', { name: /^Member/ }).check();
  };
  await invite('first@bright.example');
  await press(tab, 'Send invitation');
  await open(tab, '/billing');
  assert.match(await text(tab), /Campaigns at once\s+0 of 5/);
  assert.match(await text(tab), /People\s+2 of any number/);
  const { code } = (await api('/api/v1/billing')).limits.plan;
  await open(tab, `/platform/billing?plan=${code}#change`);
  await field(tab, 'People').fill('2');
  await field(tab, 'From this day on').fill(new Intl.DateTimeFormat('en-CA', { timeZone: 'Australia/Sydney' }).format(new Date()));
  await field(tab, 'Where this comes from').fill('Two people are enough');
  await press(tab, 'Add this row');
  assert.match(await text(tab), /Two people are enough/);
  // The subscription was sold without that limit and keeps its row.
  await open(tab, '/billing');
  assert.match(await text(tab), /People\s+2 of any number/);
  await invite('second@bright.example');
  await press(tab, 'Send invitation');
  // Who signs up now has the figures of today.
  const other = await page(browser);
  await signUp(other, agency.url, { name: 'Kim Lee', email: 'kim@other.example', company: 'Other Agency' });
  await onboard(other);
  const tell = async (email) => {
    await open(other, '/settings/team');
    await field(other, 'E-mail').fill(email);
    await other.getByRole('radio', { name: /^Member/ }).check();
  };
  await tell('first@other.example');
  await press(other, 'Send invitation');
  await tell('second@other.example');
  assert.match(await refused(other, 'Send invitation'), /Ignition allows 2 people, and 2 are taken/);
  await open(other, '/billing');
  assert.match(await text(other), /People\s+2 of 2\s+No room/);
  await fine(other, ['/billing', '/settings/team']);
  await other.close();
});

test('every page of billing: nothing that axe finds in both themes, and it fits a phone of 360 px', async () => {
  const pages = ['/billing', '/billing/credits', '/billing/invoices', invoice, '/platform/billing', '/platform/billing?plan=velocity', client];
  await fine(tab, pages);
});
