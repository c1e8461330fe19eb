// The pages to visit: what the menu and the settings lead to, one of each kind behind them, and the public ones.
import { open } from './steps.mjs';

const links = (tab, within, pattern) => tab.locator(`${within} a[href]`).evaluateAll(
  (all, source) => [...new Set(all.map((a) => a.getAttribute('href')))].filter((href) => new RegExp(source).test(href)),
  pattern.source,
);

export async function every(tab) {
  await open(tab, '/');
  const menu = await links(tab, 'nav.side', /^\/[^#]*$/);
  const account = await links(tab, '.menu-body', /^\/[^#]*$/);
  await open(tab, '/settings');
  const settings = await links(tab, 'main', /^\/[^#]*$/);
  const found = new Set([...menu, ...account, ...settings,
    '/stop', '/stop?scope=client', '/pay/statement', '/campaigns/new', '/leads/new', '/leads/import', '/leads/imports', '/meetings/settings', '/meetings/calendars', '/settings/webhooks/new',
    '/settings/sending/new', '/settings/sending/accounts', '/settings/sending/accounts/new?provider=twilio',
    '/enrichment/quarantine', '/crm/connect', '/crm/pushes', '/billing/credits', '/billing/invoices', '/compliance/person?q=nobody%40here.example', '/costs/spend',
    '/operations/jobs', '/operations/schedules', '/operations/inbox', '/activities', '/reports/outcomes', '/reports/attribution', '/reports/leads', '/reports/digest', '/settings/limits/holidays', '/welcome?step=0', '/welcome?step=1', '/welcome?step=2', '/palette']);
  // One of each kind of record.
  const details = [['/leads', /^\/leads\/[0-9a-f-]{36}$/], ['/leads/imports', /^\/leads\/import\/[0-9a-f-]{36}$/],
    ['/campaigns', /^\/campaigns\/[0-9a-f-]{36}$/], ['/approvals', /^\/approvals\/[0-9a-f-]{36}$/],
    ['/settings/sending', /^\/settings\/sending\/[0-9a-f-]{36}$/], ['/operations/jobs', /^\/operations\/jobs\/[0-9a-f-]{36}$/],
    ['/settings/sending/accounts', /^\/settings\/sending\/accounts\/[0-9a-f-]{36}$/], ['/settings/webhooks', /^\/settings\/webhooks\/[0-9a-f-]{36}$/],
    ['/knowledge', /^\/knowledge\/[0-9a-f-]{36}$/], ['/learning', /^\/learning\/patterns\/[0-9a-f-]{36}$/],
    ['/enrichment', /^\/enrichment\/runs\/[0-9a-f-]{36}$/], ['/onboarding', /^\/onboarding\/[0-9a-f-]{36}$/],
    ['/billing/invoices', /^\/billing\/invoices\/[0-9a-f-]{36}$/], ['/compliance/dnc', /^\/compliance\/dnc\/[0-9a-f-]{36}$/],
    ['/operations/inbox', /^\/operations\/inbox\/[0-9a-f-]{36}$/],
    ['/sink', /^\/sink\/[0-9a-f-]{36}$/], ['/inbox', /^\/inbox\/[0-9a-f-]{36}$/], ['/meetings', /^\/(meetings\/[0-9a-f-]{36}|book\/.+)$/],
    ['/pay/intents', /^\/pay\/intents\/[0-9a-f-]{36}$/], ['/pay/payments', /^\/pay\/payments\/[0-9a-f-]{36}$/],
    ['/pay/receipts', /^\/pay\/receipts\/[0-9a-f-]{36}$/], ['/pay/mandates', /^\/pay\/mandates\/[0-9a-f-]{36}$/],
    ['/pay/accounts', /^\/pay\/accounts\/[0-9a-f-]{36}$/], ['/pay/payouts', /^\/pay\/(payouts|payees)\/[0-9a-f-]{36}/],
    ['/pay/disputes', /^\/pay\/disputes\/[0-9a-f-]{36}$/], ['/pay/principals', /^\/pay\/principals\/[0-9a-f-]{36}$/],
    ['/pay/policies', /^\/pay\/policies\/[0-9a-f-]{36}$/], ['/pay/vendors', /^\/pay\/vendors\/[0-9a-f-]{36}$/],
    ['/pay/rails', /^\/pay\/rails\/[a-z0-9]+$/],
    ['/pipeline', /^\/deals\/[0-9a-f-]{36}$/], ['/switches', /^\/switches\/[0-9a-f-]{36}$/]];
  for (const [list, pattern] of details) {
    await open(tab, list);
    const [first] = await links(tab, 'main', pattern);
    if (!first) continue;
    found.add(first);
    if (list === '/campaigns') for (const part of ['sequence', 'preview', 'leads', 'activity', 'resources', 'settings']) found.add(`${first}/${part}`);
    if (list === '/leads') found.add(`${first}/edit`);
    if (list === '/leads/imports') found.add(`${first}/rejects`).add(`${first}/rows?outcome=duplicate`);
    if (list === '/approvals') found.add(`${first}/reject`);
  }
  return [...found].filter((path) => !/\.(csv|jsonl|ics)(\?|$)/.test(path) && path !== '/sign-out');
}

