// What the boxes for messages have in common: they grow with their text, and some keys send it.

const AFTER_COMPOSITION_MS = 30; // some input methods send their closing Enter just after the end of composition

const enterSends = () => document.documentElement.dataset.enter === 'sends'; // see preferences.js

let composedAt = -Infinity;
document.addEventListener('compositionend', () => (composedAt = performance.now()));
document.addEventListener('focusin', ({ target }) => {
  if (target.matches('textarea')) target.enterKeyHint = enterSends() ? 'send' : 'enter';
});

/** The copy of the text beside `field`, which gives the box its height, follows it. */
export function growWith(field) {
  field.parentElement.dataset.text = `${field.value} `;
}

/** Does the key pressed in a box send what is in it? Then it breaks no line. */
export function sendsOn(event) {
  const justComposed = performance.now() - composedAt < AFTER_COMPOSITION_MS;
  if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229 || justComposed) return false;
  const sends = event.ctrlKey || event.metaKey || (enterSends() && !event.shiftKey);
  if (sends) event.preventDefault();
  return sends;
}
