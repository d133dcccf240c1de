// The notice over the message box that the draft holds a key: why it was not sent, what to do, and a button that cuts it out.
import { part } from '../page/dom.js';
import { newId } from '../page/ids.js';
import { cutKeys, holdsKey } from './key-shape.js';

export class KeyNotice {
  #node;
  #field;
  #described; // by what, without a notice
  #id = `key-${newId()}`;
  #refused = null; // the text that was not sent

  /** `onCut` is called when the keys are out of `field`. */
  constructor(node, field, onCut) {
    this.#node = node;
    this.#field = field;
    this.#described = field.getAttribute('aria-describedby') ?? '';
    part(node, 'key-text').id = this.#id;
    part(node, 'cut-key').addEventListener('click', () => onCut(cutKeys(field)));
  }

  /** Says `why` what stands in the field was not sent; returns the whole notice for screen readers. */
  open(why) {
    this.#refused = this.#field.value;
    part(this.#node, 'why').textContent = why;
    this.update();
    return part(this.#node, 'key-text').innerText;
  }

  /** Stays while the field holds a key, or still what the server refused for one that the page does not know. */
  update() {
    const text = this.#field.value;
    const seen = holdsKey(text);
    if (!seen && text !== this.#refused) this.#refused = null;
    const open = this.#refused !== null;
    this.#node.hidden = !open;
    part(this.#node, 'cut-key').hidden = !seen;
    this.#field.setAttribute('aria-invalid', open);
    this.#field.setAttribute('aria-describedby', `${open ? this.#id : ''} ${this.#described}`.trim());
  }
}
