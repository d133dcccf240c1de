// Reads a response's server-sent events; a body that breaks off or falls silent is Broken.
import { createParser } from '../../vendor/eventsource-parser-4.1.3/index.js';

const SILENCE_S = 20; // the server says something every 10 s, if only a comment

/** The stream ended before its end. */
export class Broken extends Error {}

/** Yields `{id, chunk}` until `[DONE]`. */
export async function* readEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const queue = [];
  const parser = createParser({ onEvent: (event) => queue.push(event) });
  let silence = 0;
  try {
    for (;;) {
      silence = setTimeout(() => reader.cancel(), SILENCE_S * 1000);
      const { done, value } = await reader.read().catch(asBroken);
      clearTimeout(silence);
      if (done) throw new Broken();
      parser.feed(value);
      for (const { id, data } of queue.splice(0)) {
        if (data === '[DONE]') return;
        yield { id, chunk: JSON.parse(data) };
      }
    }
  } finally {
    clearTimeout(silence);
    reader.cancel().catch(() => {});
  }
}

function asBroken(error) {
  throw error.name === 'AbortError' ? error : new Broken();
}
