// Prospects answer: a question that the client's knowledge answers gets a cited draft, another goes to a person,
// anger is never answered by itself, an opt-out is confirmed once. Through the real program with its mail sink.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { addLeads, addSink, anyHour, campaign, field, importLeads, onboard, open, press, signUp, sink, text, until } from '../lib/steps.mjs';

let agency, browser, tab, folder, faq, mails;
const test = chapters(() => ({ agency, tab }));
const people = ['Ines', 'Omar', 'Lena', 'Theo'];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aos-replies-'));
  faq = createServer((request, response) => {
    if (request.url === '/robots.txt') return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Questions</title><main><h1>Questions</h1>'
      + '<h2>Do you write in Spanish?</h2><p>Yes, two of us grew up with it.</p></main>');
  });
  await new Promise((done) => faq.listen(0, '127.0.0.1', done));
  [agency, browser] = await Promise.all([Agency.start({ AGENCY__OUTSIDE__ALLOW_LOOPBACK: 'true' }), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
  await anyHour(tab);
});

after(async () => {
  faq?.close();
  faq?.closeAllConnections();
  await browser?.close();
  await agency?.stop();
  await rm(folder, { recursive: true, force: true });
});

// Opens the mail to a person in the sink and answers it in their words.
async function says(person, words) {
  await open(tab, mails.find((mail) => mail.to.startsWith(person.toLowerCase())).href);
  await field(tab, 'Answer').fill(words);
  await press(tab, 'Send as the prospect');
}

// The conversation with a person, once their answer was read.
async function conversation(person) {
  return until(`the conversation with ${person}`, async () => {
    await open(tab, '/inbox');
    const link = tab.locator('main table a[href^="/inbox/"]').filter({ hasText: person }).first();
    const href = await link.getAttribute('href', { timeout: 500 });
    await open(tab, href);
    return href;
  });
}

test('what is known is written down, tried out and found again', async () => {
  await open(tab, '/knowledge');
  assert.match(await text(tab), /Nothing known yet/);
  await field(tab, 'Question').fill('What does it cost?');
  await field(tab, 'Answer').fill('It starts at A$900 a month, without a minimum term.');
  await press(tab, 'Add');
  await open(tab, '/knowledge?q=How+much+do+you+charge');
  assert.match(await tab.locator('#found').innerText(), /A\$900 a month/);
  await open(tab, '/knowledge?q=Do+you+sell+umbrellas');
  assert.match(await tab.locator('#found').innerText(), /Nothing here answers/);
});

test('the client\'s own website adds entries that wait to be confirmed', async () => {
  await open(tab, '/knowledge');
  await field(tab, 'Website').fill(`http://127.0.0.1:${faq.address().port}/`);
  await press(tab, 'Read it');
  await until('the entry', async () => {
    await open(tab, '/knowledge?view=unconfirmed');
    return /Do you write in Spanish/.test(await text(tab));
  });
  await press(tab, /Do you write in Spanish/);
  await press(tab, 'Confirm');
  await open(tab, '/knowledge?view=unconfirmed');
  assert.match(await text(tab), /Nothing to confirm/);
});

test('four people get a message', async () => {
  const list = join(folder, 'people.csv');
  await writeFile(list, ['First name,Last name,Email,Company,Title,Industry,Employees,Country,Phone,LinkedIn',
    ...people.map((name, n) => `${name},Field,${name.toLowerCase()}@firm${n}.example,Firm ${n},Owner,dental,12,Australia,+6140000000${n},https://linkedin.com/in/${name.toLowerCase()}`)].join('\n'));
  const done = await importLeads(tab, list);
  assert.equal(done.accepted, 4);
  const href = await campaign(tab);
  await until('they are scored', async () => {
    await open(tab, '/leads');
    return (await tab.locator('main table tbody tr').allInnerTexts()).filter((row) => /Scored/.test(row)).length === 4;
  });
  assert.equal(await addLeads(tab, href, 10), 4);
  await open(tab, href);
  await press(tab, 'Activate');
  await until('four drafts', async () => {
    await open(tab, '/approvals');
    return (await tab.locator('main article.approval').count()) >= 4;
  }, 60);
  // Provenance stands beside each of them.
  assert.match(await tab.locator('main article.approval').first().locator('details').innerHTML(), /builtin/);
  const drafts = await tab.locator('article.approval h3 a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  for (const draft of drafts) {
    await open(tab, draft);
    await press(tab, 'Approve');
  }
  mails = await until('four mails', async () => {
    const all = await sink(tab);
    return all.length >= 4 && all;
  }, 60);
});

test('a question that the knowledge answers gets a draft with what it rests on, and it leaves when approved', async () => {
  await says('Ines', 'Thanks. What does it cost?');
  const href = await conversation('Ines');
  await until('the suggestion', async () => {
    await open(tab, href);
    return /Suggested answer/.test(await text(tab));
  });
  const shown = await text(tab);
  assert.match(shown, /What it rests on/);
  assert.match(await field(tab, 'Text').inputValue(), /It starts at A\$900 a month, without a minimum term\./);
  const cite = tab.locator('.cites a').first();
  assert.match(await cite.getAttribute('href'), /^\/knowledge\/[0-9a-f-]{36}$/);
  await press(tab, 'Send this answer');
  await until('it is in the sink', async () => (await sink(tab)).filter((mail) => mail.to.startsWith('ines')).length === 2);
});

test('a question that nothing answers goes to a person, who is shown where to answer it for good', async () => {
  await says('Omar', 'Do you also shoot films under water?');
  await conversation('Omar');
  assert.match(await text(tab), /Nothing in your knowledge answers/);
  assert.doesNotMatch(await text(tab), /Suggested answer/);
  await press(tab, 'Add an entry');
  assert.match(await field(tab, 'Question').inputValue(), /under water/);
});

test('somebody angry is never answered automatically', async () => {
  await says('Lena', 'This is disgusting spam, you idiots. I will report you.');
  const href = await conversation('Lena');
  assert.match(await text(tab), /Angry/);
  assert.match(await text(tab), /Needs a person/);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await open(tab, href);
  assert.doesNotMatch(await text(tab), /Suggested answer/);
  assert.equal((await sink(tab)).filter((mail) => mail.to.startsWith('lena')).length, 1);
});

test('an opt-out is confirmed once, and the person is never written to again', async () => {
  await says('Theo', 'Please remove me from your list.');
  await conversation('Theo');
  assert.match(await text(tab), /Unsubscribe/);
  const confirmed = await until('the confirmation', async () => {
    const all = (await sink(tab)).filter((mail) => mail.to.startsWith('theo'));
    return all.length === 2 && all;
  });
  assert.equal(confirmed.length, 2);
  await open(tab, '/compliance/suppression');
  assert.match(await text(tab), /theo@firm3\.example/);
});

test('every page of it: nothing that axe finds in both themes, and it fits a phone of 360 px', async () => {
  await open(tab, '/knowledge');
  const entry = await tab.locator('main table a[href^="/knowledge/"]').first().getAttribute('href');
  await open(tab, '/inbox');
  const talks = await tab.locator('main table a[href^="/inbox/"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  const pages = ['/knowledge', '/knowledge?q=What+does+it+cost', entry, ...new Set(talks)];
  await fine(tab, pages);
});
