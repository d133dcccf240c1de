// When formulas and colours of code are drawn: near the reader, between other work, and never twice.

const works = new WeakMap(); // element → {key, load, draw}: what it shows, and how that is drawn once it is near
const SLICE_MS = 8; // drawn at a stretch
const AGAIN_MS = 1000; // for what the reader has selected: drawing would drop the selection

/** `element`, to be drawn by `draw(element)` after `load()`; `key` says all that it shows. */
export function toDraw(element, work) {
  works.set(element, work);
  return element;
}

/** Does `old` show already what `fresh` would? If not, it is drawn again, as `fresh` would be. */
export function showsTheSame(old, fresh) {
  const work = works.get(fresh);
  if (!work) return false;
  if (works.get(old)?.key === work.key) return true;
  works.set(old, work);
  return false;
}

/** `text` was added to what `element` shows. */
export function grew(element, text) {
  works.get(element).key += text;
}

/** Has drawn what is in `element` when the reader comes near; what is loaded and quick, at once if `live`. */
export function drawIn(element, { live = false, except } = {}) {
  for (const found of [element, ...element.querySelectorAll('.formula, .code code')]) {
    const work = works.get(found);
    if (!work || work.drawn || found === except) continue;
    if (live && work.isReady?.()) draw(found, work);
    else near.observe(found);
  }
}

const near = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      load(target);
    }
  },
  { rootMargin: '100% 0px' },
);

// What cannot be loaded stays as it is: readable.
function load(element) {
  const work = works.get(element);
  if (!work.drawn) work.load().then(() => enqueue(element), () => {});
}

const queue = [];
const whenIdle = window.requestIdleCallback ?? ((act) => setTimeout(act, 1)); // Safari has none

function enqueue(element) {
  if (queue.push(element) === 1) whenIdle(drawSome, { timeout: 500 });
}

function drawSome() {
  const end = performance.now() + SLICE_MS;
  while (queue.length && performance.now() < end) {
    const element = queue.shift();
    const work = works.get(element);
    if (work.drawn || !element.isConnected) continue;
    if (isSelected(element)) setTimeout(load, AGAIN_MS, element);
    else draw(element, work);
  }
  if (queue.length) whenIdle(drawSome, { timeout: 500 });
}

function draw(element, work) {
  work.drawn = true;
  work.draw(element);
}

function isSelected(element) {
  const selection = document.getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}
