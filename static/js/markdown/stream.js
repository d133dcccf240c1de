// Renders Markdown while it arrives: only the last, open block is lexed again, once per frame.
import { blockNodes } from './blocks.js';
import { presentable } from './holdback.js';
import { lex, lexBlocks } from './lexer.js';
import { patchChildren } from './patch.js';

const LINES_TO_BE_SURE = 2; // a table is known by its second line, everything else by its first
const IDLE_PER_WORK = 2; // after a frame that cost 10 ms, rest for 20

export class MarkdownStream {
  #container;
  #text = '';
  #settledTo = 0; // characters that are rendered for good
  #settledNodes = 0; // children that are rendered for good
  #lineSeen = false;
  #links = {};
  #frame = 0;
  #restUntil = 0;

  constructor(container) {
    this.#container = container;
  }

  get text() {
    return this.#text;
  }

  append(chunk) {
    this.#text += chunk;
    this.#lineSeen ||= chunk.includes('\n');
    this.#frame ||= requestAnimationFrame(this.#onFrame);
  }

  clear() {
    this.#stopFrames();
    this.#text = '';
    this.#settledTo = this.#settledNodes = 0;
    this.#links = {};
    this.#container.replaceChildren();
  }

  /** Renders what there is now, as each frame does. */
  render() {
    const settled = this.#lineSeen ? this.#settle() : [];
    const tail = presentable(this.#text.slice(this.#settledTo));
    const open = blockNodes(lex(tail, { ...this.#links }));
    patchChildren(this.#container, this.#settledNodes, [...settled, ...open]);
    this.#settledNodes += settled.length;
  }

  /** One exact pass over the whole text, since links may be defined after their use. */
  finish() {
    this.#stopFrames();
    patchChildren(this.#container, 0, blockNodes(lex(this.#text)));
  }

  #onFrame = (now) => {
    if (now < this.#restUntil) {
      this.#frame = requestAnimationFrame(this.#onFrame);
      return;
    }
    const began = performance.now();
    this.#frame = 0;
    this.render();
    this.#restUntil = performance.now() + (performance.now() - began) * IDLE_PER_WORK;
  };

  #settle() {
    this.#lineSeen = false;
    const tail = this.#text.slice(this.#settledTo);
    const length = settledLength(tail);
    this.#settledTo += length;
    return blockNodes(lex(tail.slice(0, length), this.#links));
  }

  #stopFrames() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }
}

/** How many characters of `text` are blocks that nothing after them can change. */
export function settledLength(text) {
  let settled = 0;
  let end = 0;
  for (const token of lexBlocks(text)) {
    if (!text.startsWith(token.raw, end)) break;
    end += token.raw.length;
    const rest = text.slice(end).replace(/^\s*\n/, '');
    if (rest.split('\n', LINES_TO_BE_SURE + 1).length <= LINES_TO_BE_SURE) break;
    if (mayStillGrow(token, rest)) break;
    settled = end;
  }
  return settled;
}

// A link definition's title may begin on the next line and hold blank ones.
function mayStillGrow(token, rest) {
  if (token.type === 'def') return /^\s*["'(]/.test(rest);
  return token.type === 'paragraph' && /^ {0,3}\[[^\]]*\]:/.test(token.raw);
}
