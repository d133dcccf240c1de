// What the MDN HTTP Observatory says of a site, behind a front: NODE_EXTRA_CA_CERTS=... node observatory.mjs URL FOLDER PATH
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scan } from '@mdn/mdn-http-observatory';
import { front } from './front.mjs';

// The list of sites that browsers know to be HTTPS only, which the package would download: ours is on none.
const main = fileURLToPath(import.meta.resolve('@mdn/mdn-http-observatory'));
writeFileSync(main.replace(/src\/index\.js$/, 'conf/hsts-preload.json'), '{}');

const [url, folder, path] = process.argv.slice(2);
const port = await front(url, folder);
const { scan: found, tests } = await scan(`localhost:${port}${path}`);
const failed = Object.entries(tests).filter(([, { pass }]) => !pass).map(([name, { result }]) => `${name}: ${result}`);
const results = Object.fromEntries(Object.entries(tests).map(([name, { result }]) => [name, result]));
console.log(JSON.stringify({ grade: found.grade, score: found.score, failed, results }));
process.exit(0);
