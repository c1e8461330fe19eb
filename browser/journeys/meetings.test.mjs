// A client's calendar at a booking service: connected, booked there by a lead's own link, moved, cancelled, missed
// and offered again; beside it the booking page here, with its invitation, and the board of deals.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { addSink, bookingPage, field, importLeads, onboard, open, press, refused, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, folder, twin, calendar, lead, meeting, deal;
const test = chapters(() => ({ agency, tab }));
const row = (name) => tab.locator('main table tbody tr').filter({ hasText: name });
const inMinutes = (minutes) => `${new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 19)}Z`;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aos-meetings-'));
  const port = await freePort();
  // The booking services stand behind the ten carriers of messages.
  twin = `http://127.0.0.1:${port + 10}`;
  [agency, browser] = await Promise.all([
    Agency.start({ AGENCY__CARRIERS__TWINS: 'true', AGENCY__CARRIERS__LISTEN: `127.0.0.1:${port}`, AGENCY__OUTSIDE__ALLOW_LOOPBACK: 'true' }),
    launch(),
  ]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
  const file = join(folder, 'people.csv');
  await writeFile(file, 'First name,Last name,Email,Company,Country\nPriya,Nair,priya@nair-builders.example,Nair Builders,AU\n');
  await importLeads(tab, file);
  await open(tab, '/leads');
  lead = /[0-9a-f-]{36}/.exec(await tab.locator('main a[href^="/leads/"]').filter({ hasText: 'Priya' }).first().getAttribute('href'))[0];
});

after(async () => {
  await browser?.close();
  await agency?.stop();
  await rm(folder, { recursive: true, force: true });
});

// Lets something happen at the service; what it keeps then.
async function happens(order) {
  const answer = await fetch(`${twin}/_twin/events`, { method: 'POST', body: JSON.stringify(order) });
  assert.equal(answer.status, 204, await answer.text());
  return (await fetch(`${twin}/_twin/messages`)).json();
}

test('a calendar is connected from Meetings; a wrong key is said, a good one is never shown', async () => {
  await open(tab, '/meetings');
  await press(tab, 'Calendars');
  assert.match(await text(tab), /No calendars yet/);
  await field(tab, 'Service').selectOption('cal_com');
  await field(tab, 'API key').fill('a key with spaces');
  assert.match(await refused(tab, 'Connect the calendar'), /without spaces/);
  for (const [name, key, state] of [['Wrong one', 'wrong', /failed[\s\S]*Invalid API Key|Invalid API Key[\s\S]*failed/], ['Ana’s calendar', 'cal_live_secret', /offered in messages/]]) {
    await open(tab, '/meetings/calendars');
    await field(tab, 'Service').selectOption('cal_com');
    await field(tab, 'What you call it').fill(name);
    await field(tab, 'API key').fill(key);
    await field(tab, 'Address of the service').fill(twin);
    await press(tab, 'Connect the calendar');
    calendar = new URL(tab.url()).pathname;
    // The page changes by itself once the key was looked at.
    await until(`${name} is looked at`, async () => state.test(await text(tab)));
  }
  const shown = await text(tab);
  assert.match(shown, /Hana Host <hana@cal\.example>/);
  assert.match(shown, /https:\/\/cal\.com\/host\/intro/);
  await until('bookings are told', async () => /told to us as they happen/.test(await text(tab)));
  assert.doesNotMatch(await tab.content(), /cal_live_secret/);
});

test('what a lead books there by their link stands on Meetings, on Today and on the board', async () => {
  const link = `https://cal.com/host/intro?name=Priya&metadata%5Blead%5D=${lead}`;
  const [booking] = await happens({ event: 'book', start: inMinutes(2), name: 'Priya Nair', email: 'priya@home.example', zone: 'Australia/Sydney', link });
  assert.equal(booking.metadata.lead, lead);
  await until('the meeting', async () => {
    await open(tab, '/meetings');
    return (await row('Priya Nair').count()) === 1;
  });
  assert.match(await text(tab), /Messages offer Intro call in your calendar at Cal\.com/);
  meeting = new URL(await row('Priya Nair').locator('a').first().getAttribute('href'), agency.url).pathname;
  await open(tab, '/');
  assert.match(await text(tab), /Priya Nair[\s\S]*Intro call/);
  await open(tab, meeting);
  assert.match(await text(tab), /Booked at\s+Cal\.com/);
  assert.equal(await tab.locator(`main a[href="/leads/${lead}"]`).count(), 1, 'the lead, though the address is another');
  await open(tab, '/pipeline');
  deal = await tab.locator('a[href^="/deals/"]').first().getAttribute('href');
});

test('what nobody signed changes nothing', async () => {
  const answer = await fetch(`${agency.url}/hooks/calendar/${/[0-9a-f-]{36}/.exec(calendar)[0]}/${'0'.repeat(48)}`, { method: 'POST', body: '{}' });
  assert.equal(answer.status, 401);
});

test('it moves and is cancelled there, and so it is here', async () => {
  const [first] = await (await fetch(`${twin}/_twin/messages`)).json();
  await open(tab, meeting);
  const before = await text(tab);
  const all = await happens({ event: 'move', ref: first.uid, start: inMinutes(3 * 24 * 60) });
  await until('the meeting moves', async () => {
    await open(tab, meeting);
    return (await text(tab)) !== before && /Booked/.test(await text(tab));
  });
  await open(tab, '/');
  assert.doesNotMatch(await tab.locator('main').innerText(), /Priya Nair\s+Intro call/);
  await open(tab, '/meetings?past=true');
  assert.match(await text(tab), /No past meetings/);
  await happens({ event: 'cancel', ref: all.at(-1).uid, reason: 'No time this week' });
  // The open page changes by itself.
  await until('the meeting is cancelled', async () => (await row('Priya Nair').filter({ hasText: 'Cancelled' }).count()) === 1);
});

test('whoever does not come is offered other times, once a person says so', async () => {
  const link = `https://cal.com/host/intro?metadata%5Blead%5D=${lead}`;
  const all = await happens({ event: 'book', start: inMinutes(-60), name: 'Priya Nair', email: 'priya@nair-builders.example', zone: 'Australia/Sydney', link });
  await happens({ event: 'no_show', ref: all.at(-1).uid });
  await until('the offer waits', async () => {
    await open(tab, '/approvals');
    return /Other times for Priya/.test(await text(tab));
  });
  const draft = await tab.locator('article.approval h3 a').filter({ hasText: 'Other times' }).first().getAttribute('href');
  await open(tab, draft);
  const shown = await text(tab);
  assert.match(shown, /We did not manage to meet for “Intro call”/);
  assert.match(shown, /These are free at the moment \(Australia\/Sydney\):\s+- /);
  assert.match(shown, new RegExp(`cal\\.com/host/intro\\?name=Priya.*${lead}`));
  await open(tab, '/meetings?past=true');
  assert.match(await text(tab), /No show/);
});

test('without a calendar the page here takes bookings, with an invitation that calendars read', async () => {
  await open(tab, calendar);
  await tab.locator('main').getByRole('button', { name: 'Remove the calendar' }).click();
  await press(tab, 'Remove the calendar', tab.locator('dialog[open]'));
  assert.match(await text(tab), /The calendar was removed/);
  await bookingPage(tab);
  const guest = await page(browser, { timezoneId: 'Europe/Berlin' });
  guest.home = agency.url;
  await open(guest, '/book/bright-intro?zone=Europe/Berlin');
  await guest.locator('a.btn[href*="at="]').first().click();
  await guest.waitForLoadState();
  await field(guest, 'Your name').fill('Gerda Gast');
  await field(guest, 'Your e-mail').fill('gerda@gast.example');
  await press(guest, 'Book this time');
  const ics = await guest.request.get(`${new URL(guest.url()).href}/invitation.ics`);
  const body = await ics.text();
  assert.match(ics.headers()['content-type'], /text\/calendar/);
  for (const part of ['BEGIN:VCALENDAR', 'METHOD:REQUEST', 'SUMMARY:Intro call', 'DTSTART:', 'gerda@gast.example']) assert.ok(body.includes(part), part);
  await guest.context().close();
  await open(tab, '/meetings');
  assert.match(await text(tab), /Gerda Gast/);
});

test('a deal moves on the board', async () => {
  await open(tab, deal);
  await field(tab, 'Stage').selectOption('proposal');
  await press(tab, 'Move');
  assert.match(await text(tab), /Probability\s+40 %/);
  await open(tab, '/pipeline');
  assert.match(await text(tab), /Proposal[\s\S]*Intro call with Priya Nair/);
  assert.deepEqual(tab.problems, []);
});

test('every page passes axe in both themes and fits a phone', async () => {
  const [one] = await tab.locator('a[href^="/meetings"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  const pages = ['/meetings', '/meetings?past=true', '/meetings/calendars', calendar, meeting, '/meetings/settings', deal, one].filter(Boolean);
  await fine(tab, pages);
});
