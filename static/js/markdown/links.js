// Decides which addresses of a model's answer may become links: web, mail, and absolute paths of this site.

/** The link's `{href, host, external}`, or null when it must stay text. */
export function safeTarget(address) {
  const url = parse(address);
  if (!url || url.username || url.password) return null;
  if (url.protocol === 'mailto:') return { href: url.href, host: url.pathname, external: false };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.origin !== location.origin) return { href: url.href, host: url.host, external: true };
  return { href: url.pathname + url.search + url.hash, host: url.host, external: false };
}

function parse(address) {
  const written = address.trim();
  const allowed = /^(https?:\/\/|mailto:)/i.test(written) || /^\/(?![/\\])/.test(written);
  if (!allowed) return null;
  try {
    return new URL(written, location.origin);
  } catch {
    return null;
  }
}
