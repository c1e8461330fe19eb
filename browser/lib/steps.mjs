// What a person does in the Command Center, step by step, by what the page shows.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const fixtures = join(dirname(fileURLToPath(import.meta.url)), '../../fixtures');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Looks again until `check` answers something, for at most `seconds`.
export async function until(what, check, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const found = await check();
      if (found) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await pause(150);
  }
  throw new Error(`After ${seconds} s still not: ${what}${last ? ` (${last.message})` : ''}`);
}

// Opens a page and insists that it is one.
export async function open(tab, path) {
  const answer = await tab.goto(new URL(path, tab.home).href);
  assert.ok(answer.status() < 400, `${path} answered ${answer.status()}: ${(await tab.locator('main').innerText().catch(() => '')).slice(0, 400)}`);
  return answer;
}

// Presses a button or link and waits for the page that follows it.
export async function press(tab, name, within = tab.locator('main')) {
  const button = within.getByRole('button', { name, exact: typeof name === 'string' }).or(within.getByRole('link', { name, exact: typeof name === 'string' }));
  const [answer] = await Promise.all([
    tab.waitForNavigation({ waitUntil: 'load' }),
    button.first().click(),
  ]);
  if (answer && answer.status() >= 400) {
    assert.fail(`“${name}” led to ${answer.status()}: ${(await tab.locator('main').innerText()).slice(0, 600)}`);
  }
  return answer;
}

// Presses a button whose request is to be refused; answers what the page then says.
export async function refused(tab, name) {
  const [answer] = await Promise.all([
    tab.waitForNavigation({ waitUntil: 'load' }),
    tab.locator('main').getByRole('button', { name, exact: typeof name === 'string' }).first().click(),
  ]);
  const said = await text(tab);
  assert.ok(answer.status() >= 400 && answer.status() < 500, `“${name}” led to ${answer.status()}: ${said.slice(0, 600)}`);
  return said;
}

// The control with this label; the label of one that may stay empty says so.
export function field(tab, label, within = tab.locator('main')) {
  const exact = new RegExp(`^${label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}( optional)?$`);
  return within.locator('input, textarea, select').and(within.getByLabel(exact));
}

// The whole text of the main part.
export const text = (tab) => tab.locator('main').innerText();

export async function signUp(tab, home, { name = 'Alex Morgan', email = 'alex@bright.example', company = 'Bright Agency', password = 'correct horse battery staple' } = {}) {
  tab.home = home;
  await open(tab, '/sign-up');
  await field(tab, 'Your name').fill(name);
  await field(tab, 'Work e-mail').fill(email);
  await field(tab, 'Password').fill(password);
  await field(tab, 'Organisation').fill(company);
  await field(tab, 'Country').selectOption('AU');
  await field(tab, 'Time zone').selectOption('Australia/Sydney');
  await press(tab, 'Create account');
  assert.match(new URL(tab.url()).pathname, /^\/welcome/);
}

export async function onboard(tab, { legal = 'Bright Agency Pty Ltd', address = '12 Harbour Street\nSydney NSW 2000', website = 'https://bright.example', offer = 'We plan and write outreach for small firms, so that their owners get more first meetings.' } = {}) {
  await field(tab, 'Legal name').fill(legal);
  await field(tab, 'Postal address').fill(address);
  await field(tab, 'Website').fill(website);
  await press(tab, 'Continue');
  await field(tab, 'What you sell').fill(offer);
  await tab.getByRole('radio', { name: /^Co-pilot/i }).check();
  await press(tab, 'Continue');
  assert.match(await text(tab), /What to do next/);
}

export async function addSink(tab, address = 'alex@mail.bright.example', name = 'Alex Morgan') {
  await open(tab, '/settings/sending');
  await field(tab, 'Address to send as').fill(address);
  await field(tab, 'Sender\'s name').fill(name);
  await press(tab, 'Add the built-in mail sink');
  assert.match(await text(tab), /built-in mail sink is ready/);
}

// Sets one of the organisation's own limits, as its owner would.
export async function limit(tab, key, value, reason = 'A test at any hour of the day.') {
  await open(tab, '/settings/limits');
  await field(tab, 'Figure').selectOption(key);
  await field(tab, 'Value').fill(JSON.stringify(value));
  await field(tab, 'Why').fill(reason);
  await press(tab, 'Set from now on');
  assert.match(await text(tab), /It counts from now on/);
}

// Hours and amounts that let a test send now: at night, on a Sunday, on the first day of a domain.
export async function anyHour(tab) {
  const all = Object.fromEntries(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => [day, [['00:00', '24:00']]]));
  await limit(tab, 'window.email', all);
  await limit(tab, 'window.email.best', all);
  await limit(tab, 'email.ramp', [[1, 50]]);
  await limit(tab, 'email.pacing_s', [0, 1]);
}

export async function bookingPage(tab, slug = 'bright-intro') {
  await open(tab, '/meetings/settings');
  await field(tab, 'What is booked').fill('Intro call');
  await field(tab, 'Address').fill(slug);
  await field(tab, 'Also on weekends').check();
  await field(tab, 'Hours of notice').fill('1');
  await field(tab, 'Where').fill('https://meet.bright.example/alex');
  await field(tab, 'Host').fill('Alex Morgan');
  await field(tab, 'Host\'s e-mail').fill('alex@bright.example');
  await press(tab, 'Save');
  assert.match(await text(tab), /Saved/);
}

// A campaign from the template, with every mailbox.
export async function campaign(tab, name = 'First meetings') {
  await open(tab, '/campaigns/new');
  await field(tab, 'Name').fill(name);
  await field(tab, 'Goal').fill('A call of twenty minutes.');
  await press(tab, 'Make the campaign');
  const href = new URL(tab.url()).pathname;
  await open(tab, `${href}/settings`);
  await tab.getByRole('radio', { name: /^Co-pilot/ }).check();
  await press(tab, 'Save settings');
  await open(tab, `${href}/resources`);
  for (const box of await tab.locator('input[name=resource]').all()) await box.check();
  await press(tab, 'Use the selected senders');
  return href;
}

export async function addLeads(tab, href, count) {
  await open(tab, `${href}/leads`);
  await field(tab, 'State').selectOption('scored');
  await field(tab, 'At most').fill(String(count));
  await press(tab, 'Add leads');
  const joined = /(\d+) leads? joined the campaign/.exec(await text(tab));
  assert.ok(joined, 'a notice says how many joined');
  return Number(joined[1]);
}

// The mails in the sink: address, subject and where each is read.
export async function sink(tab, search = '') {
  await open(tab, `/sink${search ? `?q=${encodeURIComponent(search)}` : ''}`);
  return tab.locator('table tbody tr').evaluateAll((rows) => rows
    .filter((row) => row.querySelector('a[href^="/sink/"]'))
    .map((row) => {
      const link = row.querySelector('a[href^="/sink/"]');
      return { to: link.textContent.trim(), href: link.getAttribute('href'), cells: [...row.cells].map((cell) => cell.innerText.trim()) };
    }));
}

// Imports a file through the wizard; answers the five counts and where the import is.
export async function importLeads(tab, file, { consent = 'inferred_published', source = 'The addresses stand on the companies\' own contact pages.', seconds = 60 } = {}) {
  await open(tab, '/leads/import');
  await field(tab, 'List').setInputFiles(file);
  await press(tab, 'Upload and look');
  const looked = await text(tab);
  await tab.locator(`input[name=consent][value=${consent}]`).check();
  await field(tab, 'Where that stands').fill(source);
  await press(tab, 'Start import');
  const href = new URL(tab.url()).pathname;
  const kpi = async (label) => {
    const found = new RegExp(`^${label}\\s+([\\d,]+)`, 'm').exec(await text(tab));
    return found && Number(found[1].replace(/,/g, ''));
  };
  // The page tells by itself when it is done.
  await until('the import is done', async () => (await tab.getByRole('link', { name: 'Download the rejects' }).count()) > 0, seconds);
  return {
    href, looked,
    accepted: await kpi('Accepted'), rejected: await kpi('Rejected'), duplicates: await kpi('Duplicates in the file'),
    merged: await kpi('Merged into leads here'), suppressed: await kpi('Suppressed'),
  };
}

// Opens a mail of the sink and answers as its prospect would; `fill` is one of the typical answers.
export async function answer(tab, href, fill) {
  await open(tab, `${href}?fill=${fill}`);
  const words = await field(tab, 'Answer').inputValue();
  await press(tab, 'Send as the prospect');
  return words;
}
