// Runs in the page, as the body of a function of `job`: renders documents in several ways and compares.
const load = (name) => import(`/static/js/markdown/${name}.js`);
const [{ MarkdownStream, settledLength }, { blockNodes }, { lex }] = await Promise.all(
  ['stream', 'blocks', 'lexer'].map(load),
);

const written = (nodes) => {
  const box = document.createElement('div');
  box.append(...nodes);
  return new XMLSerializer().serializeToString(box);
};
const atOnce = (text) => written(blockNodes(lex(text)));

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

return {
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
