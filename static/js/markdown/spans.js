// Turns what highlight.js found in a piece of code into nodes: text, and spans of the few kinds that have a colour.
import { element } from '../page/dom.js';

const DEEPEST = 12; // code in a string in code ...

/** The nodes for a node of highlight.js's token tree. */
export function spans({ children }, depth = 0) {
  return children.flatMap((child) => {
    if (typeof child === 'string') return child;
    const kind = child.scope && (KINDS.get(child.scope) ?? KINDS.get(child.scope.split('.')[0]));
    if (!kind || depth > DEEPEST) return spans(child, depth);
    return element('span', { class: `code-${kind}` }, ...spans(child, depth + 1));
  });
}

// The colours, each with the scopes of highlight.js that have it. The rest is plain, also inside a coloured one.
const COLOURS = {
  comment: 'comment quote',
  keyword: 'keyword selector-tag literal variable.language name selector-pseudo',
  string: 'string regexp addition link code',
  number: 'number symbol bullet char.escape',
  title: 'title section selector-id selector-class meta.prompt',
  type: 'type built_in title.class title.class.inherited class',
  attribute: 'attr attribute variable template-variable selector-attr property',
  meta: 'meta',
  deletion: 'deletion',
  plain: 'subst',
};

const KINDS = new Map(
  Object.entries(COLOURS).flatMap(([kind, scopes]) => scopes.split(' ').map((scope) => [scope, kind])),
);
