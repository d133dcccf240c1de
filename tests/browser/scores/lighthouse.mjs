// Lighthouse's scores and times of a page, behind a front: node lighthouse.mjs URL FOLDER mobile|desktop CHROMIUM FLAG...
import { launch } from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';
import { front } from './front.mjs';

const [url, folder, form, chromePath, ...flags] = process.argv.slice(2);
const port = await front(url, folder);
const chromeFlags = ['--headless=new', '--ignore-certificate-errors', ...flags];
const chrome = await launch({ chromePath, chromeFlags });
try {
  const config = form === 'desktop' ? desktopConfig : undefined; // else a phone on a slow 4G line, simulated
  const { lhr } = await lighthouse(`https://localhost:${port}/`, { port: chrome.port, logLevel: 'error' }, config);
  const scores = Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(100 * score)]);
  const short = Object.values(lhr.categories).flatMap(({ auditRefs }) => auditRefs)
    .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9)
    .map(({ id }) => `${id}: ${lhr.audits[id].displayValue ?? lhr.audits[id].title}`);
  const times = ['first-contentful-paint', 'largest-contentful-paint', 'interactive', 'total-blocking-time'];
  console.log(JSON.stringify({
    scores: Object.fromEntries(scores),
    short,
    times: Object.fromEntries(times.map((name) => [name, Math.round(lhr.audits[name].numericValue)])),
    shift: lhr.audits['cumulative-layout-shift'].numericValue,
    bytes: lhr.audits['network-requests'].details.items.reduce((sum, { transferSize }) => sum + transferSize, 0),
  }));
} finally {
  await chrome.kill();
}
process.exit(0);
