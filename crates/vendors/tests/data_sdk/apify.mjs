// argv: the folder of node_modules, the base address of the twin. Prints what the client saw.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , modules, baseUrl] = process.argv;
const { ApifyClient } = createRequire(join(modules, 'x.js'))('apify-client');
const client = new ApifyClient({ token: 'key', baseUrl, maxRetries: 0 });
const started = await client.actor('someone/slow-reader').start(
  { searchStringsArray: ['Harbour Dental Sydney'] },
  { maxTotalChargeUsd: 0.01, maxItems: 5, timeout: 300, waitForFinish: 1 },
);
const ended = await client.run(started.id).get();
const { items } = await client.dataset(ended.defaultDatasetId).listItems({ clean: true, limit: 5 });
const missing = await client.dataset('nothing').listItems().catch((error) => error.type);
console.log([started.status, ended.status, ended.usageTotalUsd, items[0].title, items[0].phoneUnformatted, missing].join(' '));
