// The chat server: where it is, and what useChat does not ask of it by itself.
import { DefaultChatTransport } from 'ai';

const { server } = document.getElementById('root').dataset;
const ask = (path, options) => fetch(server + path, { credentials: 'include', ...options });

export const transport = new DefaultChatTransport({ api: `${server}/api/chat`, credentials: 'include' });

/** What is left of the visitor's allowance, and more; it also brings the visitor's cookie. */
export async function readMe() {
  return (await ask('/api/me')).json();
}

/** What was said before in this chat; nothing in a new one. */
export async function readMessages(chat) {
  const response = await ask(`/api/chats/${chat}`);
  return response.ok ? (await response.json()).messages : [];
}

/** Ends the answer at the server, too: to hang up, as useChat's own stop() does, leaves it under way. */
export const stopReply = (chat) => ask(`/api/chat/${chat}/stop`, { method: 'POST' });

/** The server's words for what went wrong. Before an answer it is a problem in JSON, within one just the words. */
export function words(error) {
  try {
    return JSON.parse(error.message).detail;
  } catch {
    return error instanceof TypeError ? 'The server cannot be reached.' : error.message;
  }
}
