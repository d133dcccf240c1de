// Talks to the server: the only module that calls fetch.
import { words } from './words.js';

/** The server said no: `detail` is its sentence, `retryAfter` seconds to wait or null. */
export class Problem extends Error {
  constructor({ status, code, detail, retry_after: retryAfter } = {}) {
    super(detail || words.unexpected(status));
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter ?? null;
  }
}

/** No answer came at all. */
export class Unreachable extends Error {
  constructor() {
    super(words.unreachable);
  }
}

/** Mode, allowance, models and bounds. */
export const readMe = () => json('/api/me');

/** A stored conversation with its newest messages, or with those above the message `before`. */
export const readChat = (chat, before) => json(`/api/chats/${chat}${query({ before })}`);

/** A page of the visitor's chats, newest first: `{chats, before}`; with `q` only those in which its words stand. */
export const listChats = ({ q, before } = {}, signal) => json(`/api/chats${query({ q, before })}`, { signal });

/** Gives a chat another `title`, or reads it in the version of the message `head`; the chat as it is then. */
export const changeChat = (chat, change) => json(`/api/chats/${chat}`, { method: 'PATCH', ...asJson(change) });

/** `keepalive`: also while the page is being left. */
export const deleteChat = (chat, { keepalive = false } = {}) => request(`/api/chats/${chat}`, { method: 'DELETE', keepalive });

export const deleteChats = () => request('/api/chats', { method: 'DELETE' });

/** Deletes all chats, the cookie, and what leads back to the visitor. */
export const forgetMe = () => request('/api/me', { method: 'DELETE' });

/** Brings back a file that was exported: what was found in it. */
export const importChats = (file) => json('/api/chats/import', { method: 'POST', body: file });

/** One turn; the response's body is the stream of the reply. */
export const ask = (turn, signal) => request('/api/chat', { method: 'POST', ...asJson(turn), signal });

/** The live reply again, from its start or from where `lastEventId` ended; null when none is live. */
export async function listen(chat, lastEventId, signal) {
  const headers = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
  const response = await request(`/api/chat/${chat}/stream`, { headers, signal });
  return response.status === 204 ? null : response;
}

export const stopReply = (chat) => request(`/api/chat/${chat}/stop`, { method: 'POST' });

async function json(path, options) {
  const response = await request(path, options);
  return response.json().catch(asUnreachable); // some network's own page
}

function asJson(value) {
  return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}

function query(members) {
  const told = Object.entries(members).filter(([, value]) => value);
  return told.length ? `?${new URLSearchParams(told)}` : '';
}

async function request(path, options = {}) {
  const response = await fetch(path, { cache: 'no-store', ...options }).catch(asUnreachable);
  if (response.ok) return response;
  const problem = new Problem(await readProblem(response));
  if (problem.code === 'access_required') location.assign(`/enter?next=${encodeURIComponent(location.pathname)}`);
  throw problem;
}

function asUnreachable(error) {
  throw error.name === 'AbortError' ? error : new Unreachable();
}

async function readProblem(response) {
  const waiting = Number(response.headers.get('Retry-After')) || null;
  const body = await response.json().catch(() => ({}));
  return { retry_after: waiting, ...body, status: response.status };
}
