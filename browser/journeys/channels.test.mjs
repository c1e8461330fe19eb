// An owner sends over more than mail: an account at a provider, a number and a seat, a sequence with a branch,
// two wordings and a task, the dates before it begins, the register of numbers that are not called; in both
// themes and on a phone.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { addSink, campaign, field, onboard, open, press, refused, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, port, account, number, href;
const test = chapters(() => ({ agency, tab }));
const row = (name) => tab.locator('main table tbody tr').filter({ hasText: name });

before(async () => {
  port = await freePort();
  [agency, browser] = await Promise.all([
    Agency.start({ AGENCY__CARRIERS__TWINS: 'true', AGENCY__CARRIERS__LISTEN: `127.0.0.1:${port}`, AGENCY__OUTSIDE__ALLOW_LOOPBACK: 'true' }),
    launch(),
  ]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
});

after(async () => {
  await browser?.close();
  await agency?.stop();
});

test('an account is added, its key is never shown, and where the provider reports is', async () => {
  await open(tab, '/settings/sending');
  await press(tab, 'Accounts at providers');
  assert.match(await text(tab), /No accounts yet/);
  await tab.locator('main').getByRole('link', { name: 'Twilio', exact: true }).click();
  await tab.waitForURL(/provider=twilio/);
  await field(tab, 'What you call it').fill('Texts');
  await field(tab, 'Account SID').fill('AC1');
  await field(tab, 'Auth token').fill('authtoken123');
  await field(tab, 'Address of the service').fill(`http://127.0.0.1:${port + 3}`);
  await press(tab, 'Add the account');
  account = new URL(tab.url()).pathname;
  const shown = await text(tab);
  assert.match(shown, /\/hooks\/twilio\/[0-9a-f-]{36}\/[0-9a-f]{48}/);
  assert.doesNotMatch(await tab.content(), /authtoken123/);
  await open(tab, '/settings/sending/accounts');
  assert.match(await row('Texts').innerText(), /Twilio\s+SMS\s+active/);
});

test('a number is added to it; a name that no network takes is refused with the reason', async () => {
  await open(tab, account);
  await tab.locator('main').getByRole('link', { name: 'Add: a number for texts' }).click();
  await tab.waitForURL(/\/settings\/sending\/new/);
  await field(tab, 'Number or name').fill('no');
  await field(tab, 'Sender\'s name').fill('Alex Morgan');
  assert.match(await refused(tab, 'Add the sender'), /neither a number/);
  await field(tab, 'Number or name').fill('+61400000001');
  await press(tab, 'Add the sender');
  number = new URL(tab.url()).pathname;
  await open(tab, '/settings/sending');
  // 100 a day, of which a tenth is kept for replies.
  assert.match(await row('+61400000001').innerText(), /SMS[\s\S]*0 of 90/);
});

test('what the provider does not sign is refused, and an unknown address is no address', async () => {
  await open(tab, account);
  const report = /https?:\/\/\S+\/hooks\/twilio\/\S+/.exec(await text(tab))[0];
  const to = `${agency.url}${new URL(report).pathname}`;
  const body = new URLSearchParams({ MessageSid: 'SM1', From: '+61400000002', To: '+61400000001', Body: 'STOP' });
  const unsigned = await fetch(to, { method: 'POST', body });
  assert.equal(unsigned.status, 401, `${to}: ${await unsigned.text()}`);
  assert.equal((await fetch(to.replace(/[0-9a-f-]{36}/, '00000000-0000-7000-8000-000000000000'), { method: 'POST', body })).status, 404);
});

test('a sequence has a branch, two wordings and a task, and shows them again', async () => {
  href = await campaign(tab, 'Over all channels');
  await open(tab, `${href}/sequence`);
  const step = (number) => tab.locator(`[name=kind_${number}]`);
  await tab.locator('[name=kind_2]').selectOption('sms:');
  await tab.locator('[name=if0_2]').selectOption('has_phone');
  await tab.locator('[name=otherwise_2]').selectOption('3');
  await tab.locator('[name=kind_3]').selectOption('linkedin:invitation:manual');
  await tab.locator('[name=subjectB_1]').fill('One thing about {{company}}');
  await field(tab, 'What changed').fill('Texts for those with a number');
  await press(tab, 'Save as a new version');
  const shown = await text(tab);
  assert.match(shown, /Step 2: Text message, only if the lead has a phone number/);
  assert.match(shown, /Step 3: LinkedIn invitation, by a person/);
  assert.match(shown, /Step 1: E-mail, 2 wordings/);
  assert.equal(await step(2).inputValue(), 'sms:');
  assert.equal(await tab.locator('[name=subjectB_1]').inputValue(), 'One thing about {{company}}');
  assert.match(await row('Texts for those with a number').innerText(), /Version 2/);
});

test('a jump back is refused with the step that is at fault', async () => {
  await tab.locator('[name=body_2]').fill('a'.repeat(200));
  assert.match(await refused(tab, 'Save as a new version'), /Step 2:.*fit/);
});

test('it cannot begin while a channel has no share, and says so', async () => {
  await open(tab, href);
  assert.match(await text(tab), /A step uses SMS, whose share is 0 %/);
  await open(tab, `${href}/settings`);
  await field(tab, 'E-mail').fill('60');
  await field(tab, 'SMS').fill('40');
  await field(tab, 'Look at opens and clicks').check();
  await press(tab, 'Save settings');
  assert.ok(await field(tab, 'Look at opens and clicks').isChecked());
  await open(tab, href);
  assert.doesNotMatch(await text(tab), /whose share is 0 %/);
});

test('the register of numbers that are not called has nothing to ask yet', async () => {
  await open(tab, '/settings/sending');
  await press(tab, 'Do Not Call');
  assert.match(await text(tab), /No number was washed yet/);
  assert.match(await refused(tab, 'Prepare a wash'), /Every Australian number of your leads has a valid wash/);
});

test('every page passes axe in both themes and fits a phone', async () => {
  const pages = ['/settings/sending', '/settings/sending/accounts', '/settings/sending/accounts/new?provider=lob', account, number,
    '/compliance/dnc', `${href}/sequence`, `${href}/preview`, `${href}/resources`, `${href}/settings`];
  await fine(tab, pages);
});
