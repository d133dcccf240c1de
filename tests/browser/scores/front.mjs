// What stands before the app on every platform: TLS, and HTTP/2 to browsers. The app behind hears that it was HTTPS.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createSecureServer } from 'node:http2';

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding'];

/** Starts a front for the app at `url`, with the certificate and key of `folder`; its port. */
export async function front(url, folder) {
  const [cert, key] = ['certificate.pem', 'key.pem'].map((name) => readFileSync(`${folder}/${name}`));
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  const server = createSecureServer({ cert, key, allowHTTP1: true }, (asked, answer) => {
    const named = Object.entries(asked.headers).filter(([name]) => !name.startsWith(':'));
    const headers = { ...Object.fromEntries(named), 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' };
    headers.host = asked.authority ?? asked.headers.host;
    const behind = request({ hostname, port, agent, headers, method: asked.method, path: asked.url }, (response) => {
      const kept = Object.entries(response.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
      answer.writeHead(response.statusCode, Object.fromEntries(kept));
      response.pipe(answer);
    });
    asked.pipe(behind);
  });
  await new Promise((ready) => server.listen(0, ready));
  server.unref();
  return server.address().port;
}
