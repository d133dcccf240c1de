// Runs in the page, as the body of a function of `job`: renders documents in several ways and compares.
const load = (name) => import(`/static/js/markdown/${name}.js`);
const [{ MarkdownStream }, { settledLength }, { blockNodes }, { lex }, { drawIn }, { loadMath }] = await Promise.all(
  ['stream', 'settled', 'blocks', 'lexer', 'drawing', 'math'].map(load),
);
await loadMath();

const written = (nodes) => {
  const box = document.createElement('div');
  box.append(...nodes);
  return new XMLSerializer().serializeToString(box);
};
const atOnce = (text) => {
  const box = document.createElement('div');
  box.append(...blockNodes(lex(text)));
  drawIn(box, { live: true });
  return written([...box.childNodes]);
};

const streamed = (text, size) => {
  const box = document.createElement('div');
  const stream = new MarkdownStream(box);
  for (let start = 0; start < text.length; start += size) {
    stream.append(text.slice(start, start + size));
    stream.render();
  }
  stream.finish();
  return written([...box.childNodes]);
};

const readable = (text) => {
  const box = document.createElement('div');
  box.append(...blockNodes(lex(text)));
  for (const bar of box.querySelectorAll('.code-bar')) bar.remove();
  return box.textContent;
};

// The blocks said to be settled at any moment are the first blocks of the whole, once its link definitions are known.
const unsettled = (text) => {
  const links = {};
  const whole = blockNodes(lex(text, links));
  for (let end = 1; end < text.length; end += 1) {
    const part = text.slice(0, end);
    const settled = blockNodes(lex(part.slice(0, settledLength(part)), { ...links }));
    if (settled.some((node, index) => !whole[index]?.isEqualNode(node))) return end;
  }
  return 0;
};

const formulas = (text) => {
  const box = document.createElement('div');
  box.append(...blockNodes(lex(text)));
  return [...box.querySelectorAll('.formula')].map((formula) => formula.textContent);
};

// All that was to be read while the text came, one character at a time; a drawn formula reads as a square.
const seen = (text, find = (box) => readAs(box, '□')) => {
  const box = document.createElement('div');
  const stream = new MarkdownStream(box);
  const found = [...text].map((character) => {
    stream.append(character);
    stream.render();
    return find(box);
  });
  stream.finish();
  return [...new Set([...found, find(box)])];
};

const readAs = (box, square) => {
  const copy = box.cloneNode(true);
  for (const drawn of copy.querySelectorAll('.katex')) drawn.replaceWith(square);
  return copy.textContent;
};

const columns = (box) => [...box.querySelectorAll('col')].map((column) => column.getAttribute('width')).join(' ');

const directions = (text) => {
  document.body.replaceChildren(...blockNodes(lex(text)));
  return [...document.body.querySelectorAll('p, h3, ul, li, blockquote, table, td, th, pre, code')].map(
    (node) => `${node.localName} ${getComputedStyle(node).direction}`,
  );
};

return {
  formulas: ({ documents }) => documents.map(formulas),
  seen: ({ documents }) => documents.map((text) => seen(text)),
  columns: ({ documents }) => documents.map((text) => seen(text, columns).filter(Boolean)),
  directions: ({ documents }) => documents.map(directions),
  compare: ({ documents, sizes }) =>
    documents.flatMap((text, index) =>
      sizes.filter((size) => streamed(text, size || text.length || 1) !== atOnce(text)).map((size) => ({ index, size, text })),
    ),
  settle: ({ documents }) => documents.map((text) => ({ text, end: unsettled(text) })).filter(({ end }) => end),
  texts: ({ documents }) => documents.map(readable),
  time: ({ documents, size }) =>
    documents.map((text) => {
      const began = performance.now();
      streamed(text, size);
      return performance.now() - began;
    }),
}[job.work](job);
