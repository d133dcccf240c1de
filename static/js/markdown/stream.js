// Renders Markdown while it arrives: only the last, open block is lexed again, some times a second.
import { blockNodes } from './blocks.js';
import { drawIn } from './drawing.js';
import { growFence, openFence } from './fence.js';
import { presentable } from './holdback.js';
import { lex } from './lexer.js';
import { isMathReady, loadMath } from './math.js';
import { patchChildren } from './patch.js';
import { settledLength } from './settled.js';

const UPDATE_MS = 50; // twenty times a second looks as smooth as sixty, and costs a third
const IDLE_PER_WORK = 2; // after an update that cost 30 ms, rest for 60
const WAIT_FOR_MATH_MS = 1500; // at the first formula, once: else the text below it would jump when it is drawn

export class MarkdownStream {
  #container;
  #text = '';
  #settledTo = 0; // characters that are rendered for good
  #settledNodes = 0; // children that are rendered for good
  #lineSeen = false;
  #links = {};
  #fence = null; // the open code block, while it only grows
  #scheduled = false;
  #restUntil = 0;
  #mathBy = 0;
  #live = false;
  #finished = false;

  constructor(container) {
    this.#container = container;
  }

  get text() {
    return this.#text;
  }

  append(chunk) {
    this.#text += chunk;
    this.#finished = false;
    this.#lineSeen ||= chunk.includes('\n');
    this.#schedule();
  }

  clear() {
    this.#scheduled = false;
    this.#text = '';
    this.#settledTo = this.#settledNodes = 0;
    this.#links = {};
    this.#fence = null;
    this.#container.replaceChildren();
  }

  /** Renders what there is now, as each update does. */
  render() {
    this.#live = true;
    if (this.#fence && growFence(this.#fence, this.#text)) return;
    const tail = this.#text.slice(this.#settledTo);
    const length = this.#lineSeen ? settledLength(tail) : 0;
    const settled = blockNodes(lex(tail.slice(0, length), this.#links));
    const tokens = lex(presentable(tail.slice(length)), { ...this.#links });
    const nodes = [...settled, ...blockNodes(tokens)];
    if (this.#mustWaitForMath(nodes)) return;
    const start = this.#settledNodes;
    patchChildren(this.#container, start, nodes);
    this.#lineSeen = false;
    this.#settledTo += length;
    this.#settledNodes += settled.length;
    this.#fence = openFence(tokens.at(-1), this.#text, this.#container);
    this.#draw(start, lastCode(this.#container));
  }

  /** One exact pass over the whole text, since links may be defined after their use. */
  finish() {
    this.#scheduled = false;
    this.#finished = true; // whatever was waited for: nothing is rendered after this
    this.#fence = null;
    patchChildren(this.#container, 0, blockNodes(lex(this.#text)));
    drawIn(this.#container, { live: this.#live });
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => requestAnimationFrame(this.#onFrame), this.#restUntil - performance.now());
  }

  #onFrame = () => {
    if (!this.#scheduled) return;
    this.#scheduled = false;
    const began = performance.now();
    this.render();
    const cost = performance.now() - began;
    this.#restUntil = began + Math.max(UPDATE_MS, cost * (1 + IDLE_PER_WORK));
  };

  #mustWaitForMath(nodes) {
    const hasFormula = (node) => node.matches('.formula') || node.querySelector('.formula');
    if (isMathReady() || !nodes.some(hasFormula)) return false;
    if (!this.#mathBy) {
      this.#mathBy = performance.now() + WAIT_FOR_MATH_MS;
      const goOn = () => this.#finished || this.#schedule();
      loadMath().then(goOn, () => {});
      setTimeout(goOn, WAIT_FOR_MATH_MS);
    }
    return performance.now() < this.#mathBy;
  }

  #draw(start, except) {
    for (const node of [...this.#container.children].slice(start)) drawIn(node, { live: true, except });
  }
}

// The code that may still grow: it is the very last thing there.
function lastCode(container) {
  let last = container.lastElementChild;
  while (last && !last.matches('.code')) last = last.lastElementChild;
  return last?.querySelector('code');
}
