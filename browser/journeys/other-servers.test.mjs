// The same loop over servers of other makers: aiosmtpd takes the mails, dovecot holds the answers.
import assert from 'node:assert/strict';
import { after, before, test as plain } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { imap, missing, password, smtp, user } from '../lib/servers.mjs';
import { addLeads, anyHour, campaign, field, importLeads, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

const reason = missing();
let agency, browser, tab, outgoing, incoming;
const test = reason ? (name) => plain(name, { skip: reason }) : chapters(() => ({ agency, tab }));

before(async () => {
  if (reason) return;
  [agency, browser, outgoing, incoming] = await Promise.all([Agency.start(), launch(), smtp(), imap()]);
  tab = await page(browser);
});

after(async () => {
  await browser?.close();
  await agency?.stop();
  await Promise.all([outgoing?.stop(), incoming?.stop()]);
});

const sent = [];

test('a mailbox on other servers is connected through the form and tested', async () => {
  await signUp(tab, agency.url);
  await onboard(tab);
  await anyHour(tab);
  await open(tab, '/settings/sending/new');
  const main = tab.locator('main');
  const group = (name) => main.getByRole('group', { name });
  await field(tab, 'Address').fill(user);
  await field(tab, 'Sender\'s name').fill('Alex Morgan');
  const out = group(/^Outgoing/), back = group(/^Incoming/);
  await field(tab, 'Server', out).fill('127.0.0.1');
  await field(tab, 'Port', out).fill(String(outgoing.port));
  await field(tab, 'Encryption', out).selectOption('none');
  await field(tab, 'Password or app password', out).fill(password);
  await field(tab, 'Server', back).fill('127.0.0.1');
  await field(tab, 'Port', back).fill(String(incoming.port));
  await field(tab, 'Encryption', back).selectOption('none');
  await press(tab, 'Connect the mailbox');
  assert.match(await text(tab), /The mailbox is connected/);
  await press(tab, 'Send a test message to itself');
  assert.match(await text(tab), /The server took the test message/);
  const [mail] = await outgoing.mails();
  assert.deepEqual([mail.from, mail.to, mail.user], [user, [user], user]);
});

test('a few leads are imported, and their approved mails leave through that server', async () => {
  const list = join(agency.state, 'few.csv');
  await writeFile(list, `Name,Job title,Company,E-mail,Country,State
Priya Nair,Owner,Harbour Dental,priya@harbour.example,Australia,NSW
Liam Tran,Owner,Cobalt Software,liam@cobalt.example,Australia,NSW
Mei Kelly,Owner,Blue Gum Realty,mei@bluegum.example,Australia,NSW
`);
  const done = await importLeads(tab, list);
  assert.deepEqual([done.accepted, done.rejected], [3, 0]);
  await until('scores', async () => {
    await open(tab, '/leads');
    return !/Not scored yet/.test(await text(tab));
  }, 30);
  const href = await campaign(tab);
  assert.equal(await addLeads(tab, href, 3), 3);
  await open(tab, href);
  await press(tab, 'Activate');
  await until('three drafts', async () => {
    await open(tab, '/approvals');
    return (await tab.locator('article.approval').count()) === 3;
  }, 30);
  for (let left = 3; left > 0; left -= 1) {
    await open(tab, '/approvals');
    const [answer] = await Promise.all([tab.waitForNavigation(), tab.locator('article.approval').first().getByRole('button', { name: /^Approve/ }).click()]);
    assert.equal(answer.status(), 200);
  }
  await until('three mails at the server', async () => (await outgoing.mails()).length === 4, 60);
  sent.push(...(await outgoing.mails()).slice(1));
  assert.deepEqual(sent.flatMap((mail) => mail.to).toSorted(), ['liam@cobalt.example', 'mei@bluegum.example', 'priya@harbour.example']);
  for (const mail of sent) {
    assert.equal(mail.user, user);
    assert.match(mail.raw, /^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$/m);
    assert.match(mail.raw, /^List-Unsubscribe: <http[^>]+\/u\//m);
  }
});

const answerTo = (mail, words) => {
  const id = /^Message-ID: (<[^>]+>)/mi.exec(mail.raw)[1];
  const subject = /^Subject: (.+?)\r?$/mi.exec(mail.raw)[1];
  return `From: <${mail.to[0]}>
To: <${user}>
Subject: Re: ${subject}
Date: ${new Date().toUTCString().replace('GMT', '+0000')}
Message-ID: <${Math.random().toString(36).slice(2)}@prospect.example>
In-Reply-To: ${id}
References: ${id}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

${words}
`;
};

test('answers in the IMAP mailbox are read and understood', async () => {
  await incoming.deliver(answerTo(sent[0], 'Hi,\n\nsounds interesting. Could you send me more details?\n\nThanks'));
  await incoming.deliver(answerTo(sent[1], 'Please remove me from your list.'));
  await open(tab, '/inbox');
  await press(tab, 'Read mail now');
  const rows = await until('two conversations', async () => {
    await open(tab, '/inbox');
    const all = await tab.locator('table tbody tr:has(a[href^="/inbox/"])').allInnerTexts();
    return all.length === 2 && all;
  }, 60);
  assert.ok(rows.some((row) => row.includes('Interested')), rows.join('\n'));
  assert.ok(rows.some((row) => row.includes('Unsubscribe')), rows.join('\n'));
  await open(tab, `/leads?q=${encodeURIComponent(sent[1].to[0])}`);
  await press(tab, /.+/, tab.locator('table tbody tr').first());
  assert.match(await text(tab), /Nobody may contact this person/);
});

test('the approved answer goes out in the thread', async () => {
  await open(tab, '/approvals');
  const draft = tab.locator('article.approval', { hasText: 'Answer to' }).first();
  await Promise.all([tab.waitForNavigation(), draft.getByRole('button', { name: /^Approve/ }).click()]);
  // Whoever asked to be removed got one confirmation meanwhile, before or after.
  const later = await until('the answer at the server', async () => {
    const all = (await outgoing.mails()).slice(4);
    return all.length >= 2 && all;
  }, 60);
  assert.deepEqual(later.flatMap((mail) => mail.to).toSorted(), [...sent[0].to, ...sent[1].to].toSorted());
  const mail = later.find((one) => one.to[0] === sent[0].to[0]);
  assert.match(mail.raw, /^In-Reply-To: <[^>]+@prospect\.example>/mi);
  assert.match(mail.raw, /^Subject: Re: /mi);
  assert.deepEqual(tab.problems, []);
});
