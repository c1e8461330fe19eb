// From sign-up to a meeting in the calendar, through the real program with its built-in mail sink.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { addLeads, addSink, answer, anyHour, bookingPage, campaign, field, fixtures, importLeads, onboard, open, press, signUp, sink, text, until } from '../lib/steps.mjs';

let agency, browser, tab;
const test = chapters(() => ({ agency, tab }));

before(async () => {
  [agency, browser] = await Promise.all([Agency.start(), launch()]);
  tab = await page(browser);
});

after(async () => {
  await browser?.close();
  const ended = await agency?.stop();
  if (ended) assert.deepEqual(ended, { code: 0, signal: null }, agency.log);
});

// What one part of the journey leaves to the next.
const seen = { mails: [], approved: new Map() };

test('a person signs up, says who writes and what is sold, and connects the sink', async () => {
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
  await bookingPage(tab);
  await anyHour(tab);
  await open(tab, '/');
  assert.match(await tab.locator('body').innerText(), /nothing leaves this machine/i);
});

test('a messy list of 500 rows is taken in with exact counts, and every reject says why', async () => {
  const done = await importLeads(tab, join(fixtures, 'leads/messy-500.csv'));
  assert.match(done.looked, /line 3/, 'the header is found behind a title and a blank line');
  assert.deepEqual(
    [done.accepted, done.rejected, done.duplicates, done.merged, done.suppressed],
    [440, 32, 28, 0, 0],
  );
  await open(tab, `${done.href}/rejects`);
  const rows = await tab.locator('table tbody tr').allInnerTexts();
  assert.equal(rows.length, 32);
  const codes = ['email invalid', 'no contact', 'too many columns', 'quote unclosed', 'phone invalid', 'repeated header', 'row too long'];
  const counts = codes.map((code) => rows.filter((row) => row.includes(code)).length);
  assert.deepEqual(counts, [14, 6, 4, 3, 2, 2, 1]);
  await open(tab, `${done.href}/rows?outcome=duplicate`);
  assert.equal(await tab.locator('table tbody tr').count(), 28);
});

test('the leads are scored, and the parts of the best one add up to its score', async () => {
  await until('all leads are scored', async () => {
    await open(tab, '/leads');
    return !/Not scored yet/.test(await text(tab));
  }, 60);
  await open(tab, '/leads?email=yes');
  const best = tab.locator('table tbody tr').first();
  const scores = (await tab.locator('table tbody tr td:nth-child(n)').evaluateAll((cells) => cells
    .filter((cell) => cell.dataset.label === 'Score').map((cell) => Number(cell.innerText)))).filter(Number.isFinite);
  assert.deepEqual(scores, scores.toSorted((a, b) => b - a), 'best first');
  await best.getByRole('link').first().click();
  await tab.waitForLoadState();
  const card = tab.locator('#score');
  const total = Number(/(\d+) ·/.exec(await card.innerText())[1]);
  const weighted = await card.locator('table tbody tr').evaluateAll((rows) => rows.map((row) => Number(row.cells[2].innerText)));
  const more = [...(await card.innerText()).matchAll(/^(?:.*\n)?\+(\d+) /gm)];
  const boosts = await card.locator('dl dd').evaluateAll((values) => values.map((value) => Number(/^\+(\d+)/.exec(value.innerText)?.[1] ?? 0)));
  const ends = await card.locator('p.muted').evaluateAll((lines) => lines.map((line) => Number(/: (-?\d+)$/.exec(line.innerText)?.[1] ?? 0)));
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  assert.equal(sum(weighted) + sum(boosts) + sum(ends), total, `${weighted} + ${boosts} + ${ends} (${more.length})`);
  assert.ok(total > 0);
});

test('a co-pilot campaign makes drafts that wait with their evidence, on a page that is already open', async () => {
  const href = await campaign(tab);
  seen.campaign = href;
  assert.equal(await addLeads(tab, href, 12), 12);
  const queue = await tab.context().newPage();
  queue.home = tab.home;
  await open(queue, '/approvals');
  assert.match(await text(queue), /Nothing waits for you/);
  await open(tab, href);
  await press(tab, 'Activate');
  // No reload: the page hears of the drafts by itself.
  await until('twelve drafts on the open page', async () => (await queue.locator('article.approval').count()) === 12, 40);
  const first = queue.locator('article.approval').first();
  await first.locator('summary').click();
  assert.match(await first.innerText(), /Evidence\s+\S+/);
  await queue.close();
});

test('one draft is edited, some approved, one rejected; exactly the approved texts leave over SMTP', async () => {
  const letters = await tab.context().newPage();
  letters.home = tab.home;
  await open(letters, '/sink');
  await open(tab, '/approvals');
  const drafts = await tab.locator('article.approval').evaluateAll((all) => all.map((one) => one.querySelector('h3 a').getAttribute('href')));
  // Edited, then approved.
  await open(tab, drafts[0]);
  const body = field(tab, 'Body').or(field(tab, 'Text')).first();
  const words = (await body.inputValue()).replace(/^(Hi|Hello|Dear)/m, 'Good morning');
  assert.match(words, /Good morning/);
  await body.fill(words);
  await press(tab, 'Save changes');
  seen.approved.set('edited', await approve(drafts[0]));
  // Rejected.
  await open(tab, `${drafts[1]}/reject`);
  seen.rejected = (await text(tab)).match(/First e-mail to (.+) at/)?.[1];
  await field(tab, 'Why').fill('Not our kind of company.');
  await press(tab, 'Reject');
  // One by one, and many at once.
  for (const draft of drafts.slice(2, 4)) seen.approved.set(draft, await approve(draft));
  for (const draft of drafts.slice(4, 9)) seen.approved.set(draft, await draftOf(draft));
  await open(tab, '/approvals');
  for (const draft of drafts.slice(4, 9)) await tab.locator(`input[name=pick][value="${draft.split('/').pop()}"]`).check();
  await tab.getByText('Decide on many at once').click();
  await tab.getByRole('button', { name: 'Approve them' }).click();
  await Promise.all([tab.waitForNavigation(), tab.locator('dialog[open]').getByRole('button', { name: 'Approve them' }).click()]);
  assert.match(await text(tab), /Approved 5 decisions/);
  // The sink's page shows them without a reload.
  await until('eight mails on the open page of the sink', async () => (await letters.locator('table a[href^="/sink/"]').count()) >= 8, 60);
  await letters.close();
  seen.mails = await sink(tab);
  assert.equal(seen.mails.length, 8);
  const left = [];
  for (const mail of seen.mails) {
    await open(tab, mail.href);
    const shown = await text(tab);
    assert.match(shown, /List-Unsubscribe-Post\s+List-Unsubscribe=One-Click/);
    assert.match(shown, /List-Unsubscribe\s+<https?:[^>]+\/u\/[0-9a-f]+>/);
    left.push(tight(await tab.locator('blockquote').first().innerText()));
  }
  assert.deepEqual(left.toSorted(), [...seen.approved.values()].map(tight).toSorted());
  assert.equal(left.filter((words) => words.includes('Good morning')).length, 1);
});

const tight = (words) => words.replace(/\s+/g, ' ').trim();

// The text of a draft as the page shows it.
async function draftOf(href) {
  await open(tab, href);
  return field(tab, 'Body').or(field(tab, 'Text')).first().inputValue();
}

async function approve(href) {
  const words = await draftOf(href);
  await press(tab, 'Approve');
  return words;
}

test('what prospects answer is understood and acted on', async () => {
  const [interested, refused, out, clicked, away, bounced] = seen.mails;
  await answer(tab, interested.href, 'interested');
  await answer(tab, refused.href, 'not_interested');
  await answer(tab, out.href, 'unsubscribe');
  await open(tab, away.href);
  await press(tab, 'Automatic absence notice');
  await open(tab, bounced.href);
  await press(tab, 'Bounce: no such mailbox');
  // One click, as a mail program posts it: without a session.
  await open(tab, clicked.href);
  const path = /\/u\/[0-9a-f]+/.exec(await text(tab))[0];
  const posted = await fetch(agency.url + path, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) });
  assert.equal(posted.status, 200);

  const meaning = { [interested.to]: 'Interested', [refused.to]: 'Not interested', [out.to]: 'Unsubscribe', [away.to]: 'Out of office' };
  await open(tab, '/inbox');
  await until('four conversations with their meanings', async () => {
    await open(tab, '/inbox');
    const rows = await tab.locator('table tbody tr').allInnerTexts();
    return Object.values(meaning).every((word) => rows.some((row) => row.includes(word))) && rows;
  }, 60);
  // Each effect on the lead's own page.
  const lead = async (mail) => {
    await open(tab, `/leads?q=${encodeURIComponent(mail.to)}`);
    await press(tab, /.+/, tab.locator('table tbody tr').first());
    return text(tab);
  };
  await until('who refused stands so', async () => /Not interested/i.test(await lead(refused)), 20);
  await until('who wrote off is nobody to write to', async () => /Nobody may contact this person/.test(await lead(out)), 20);
  await until('one click is enough', async () => /Nobody may contact this person/.test(await lead(clicked)), 20);
  await until('a bounced address is marked', async () => /bounced|invalid/i.test(await lead(bounced)), 20);
  assert.doesNotMatch(await lead(away), /Nobody may contact this person/);
  assert.match(await lead(interested), /Replied/i);
  await open(tab, '/compliance/suppression');
  const list = await text(tab);
  for (const mail of [refused, bounced]) assert.ok(list.includes(mail.to), `${mail.to} is in the suppression list`);
  for (const mail of [interested, away]) assert.ok(!list.includes(mail.to), `${mail.to} is not`);
  // The sequences of those who answered have ended or rest.
  await open(tab, `${seen.campaign}/leads`);
  const rows = await tab.locator('table tbody tr').allInnerTexts();
  assert.ok(rows.filter((row) => /stopped/.test(row)).length >= 4, rows.join('\n'));
});

test('a guest in another zone books a meeting, which stands in the calendar with its invitation', async () => {
  const guest = await page(browser, { timezoneId: 'Europe/Berlin', locale: 'de-DE' });
  guest.home = agency.url;
  const who = seen.mails[0];
  await open(guest, '/book/bright-intro?zone=Europe/Berlin');
  await guest.locator('a.btn[href*="at="]').first().click();
  await guest.waitForLoadState();
  assert.match(await text(guest), /Europe\/Berlin/);
  await field(guest, 'Your name').fill('Gerda Gast');
  await field(guest, 'Your e-mail').fill(who.to);
  await press(guest, 'Book this time');
  assert.match(await text(guest), /Booked[\s\S]*Europe\/Berlin/);
  assert.deepEqual(guest.problems, []);
  await guest.context().close();
  await open(tab, '/meetings');
  assert.match(await text(tab), /Gerda Gast/);
  const invitation = await until('the invitation in the sink', async () => (await sink(tab, who.to)).find((mail) => /intro call|invitation|meeting/i.test(mail.cells[1])), 30);
  await open(tab, invitation.href);
  assert.match(await tab.locator('pre').textContent(), /text\/calendar[\s\S]*BEGIN:VCALENDAR|BEGIN:VCALENDAR|text\/calendar/);
  await until('the deal on the board', async () => {
    await open(tab, '/pipeline');
    return (await tab.locator('a[href^="/deals/"]').count()) === 1;
  }, 20);
});

test('stop freezes everything: what is approved afterwards does not leave until the release', async () => {
  await open(tab, '/stop?scope=client');
  assert.match(await text(tab), /What will freeze/);
  await field(tab, 'Why').fill('A test of the stop.');
  await press(tab, 'Stop now');
  const proof = tab.url();
  await until('the proof', async () => /Effects after the stop\s+0/.test(await text(tab)), 10);
  const before = (await sink(tab)).length;
  await open(tab, '/approvals');
  const draft = await tab.locator('article.approval h3 a').first().getAttribute('href');
  await approve(draft);
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  assert.equal((await sink(tab)).length, before, 'nothing leaves behind the switch');
  await open(tab, new URL(proof).pathname);
  const shown = await text(tab);
  assert.match(shown, /Effects after the stop\s+0/);
  assert.match(shown, /Last effect that passed the gate before\s+\S/);
  await field(tab, 'Why it may go on').fill('The test is over.');
  await press(tab, 'Release');
  await until('the mail leaves after the release', async () => (await sink(tab)).length > before, 60);
  assert.deepEqual(tab.problems, []);
});
