// Follows one reply to its end, over as many connections as that takes.
import { listen, Problem, Unreachable } from '../page/api.js';
import { Broken, readEvents } from './events.js';

const BACK_OFF_S = [0.3, 1, 2, 4, 8, 15, 15, 15, 30, 30];

/**
 * Gives every chunk to `onChunk(chunk, from)` and returns true, or returns false when the reply ended while nobody
 * listened. `from`: 'start', or where the stream goes on: a 'break' of the connection, or a 'cut' of the answer.
 * `onConnection` is told 'lost', then 'here', or 'left' when it is not looked for any more. Throws Unreachable when the
 * server stays away, and whatever Problem it answers.
 */
export async function followReply(chat, response, { onChunk, onConnection, signal, from = 'start' }) {
  let lastEventId = null;
  while (response) {
    try {
      for await (const { id, chunk } of readEvents(response)) {
        if (signal.aborted) return true;
        lastEventId = id ?? lastEventId;
        onChunk(chunk, from);
      }
      return true;
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
    }
    onConnection('lost');
    from = lastEventId === null ? 'start' : 'break';
    let state = 'left';
    try {
      response = await reconnect(chat, lastEventId, signal);
      state = 'here';
    } finally {
      onConnection(state);
    }
  }
  return false;
}

/** Tries until the server answers: the live reply, or null when none is live. Throws as followReply does. */
export async function reconnect(chat, lastEventId, signal, { atOnce = false } = {}) {
  for (const seconds of atOnce ? [0, ...BACK_OFF_S] : BACK_OFF_S) {
    await pause(seconds * (0.75 + Math.random() / 2), signal);
    signal.throwIfAborted();
    try {
      return await listen(chat, lastEventId, signal);
    } catch (error) {
      const worthRepeating = error instanceof Unreachable || (error instanceof Problem && error.status >= 500);
      if (!worthRepeating) throw error;
    }
  }
  throw new Unreachable();
}

// Coming back online, or to the tab, ends the wait early.
function pause(seconds, signal) {
  const over = new AbortController();
  return new Promise((resolve) => {
    const untilThen = { signal: over.signal };
    const end = () => over.abort(resolve());
    const endIfSeen = () => document.hidden || end();
    setTimeout(end, seconds * 1000);
    signal.addEventListener('abort', end, untilThen);
    window.addEventListener('online', endIfSeen, untilThen);
    document.addEventListener('visibilitychange', endIfSeen, untilThen);
  });
}
