// Follows one reply to its end, over as many connections as that takes.
import { listen, Problem, Unreachable } from '../page/api.js';
import { Broken, readEvents } from './events.js';

const BACK_OFF_S = [0.3, 1, 2, 4, 8, 15, 15, 15, 30, 30];

/**
 * Gives every chunk to `onChunk(chunk, from)` and returns true, or returns false when the reply ended while nobody
 * listened. `from`: 'start', or where the stream goes on: a 'break' of the connection, or a 'cut' of the answer. Throws
 * Unreachable when the server stays away, and whatever Problem it answers.
 */
export async function followReply(chat, response, { onChunk, onBreak, signal, from = 'start' }) {
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
    onBreak();
    from = lastEventId === null ? 'start' : 'break';
    response = await reconnect(chat, lastEventId, signal);
  }
  return false;
}

/** Tries until the server answers: the live reply, or null when none is live. Throws as followReply does. */
export async function reconnect(chat, lastEventId, signal) {
  for (const seconds of BACK_OFF_S) {
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
  const sources = [[window, 'online'], [document, 'visibilitychange'], [signal, 'abort']];
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
    for (const [source, event] of sources) source.addEventListener(event, resolve, { once: true });
  });
}
