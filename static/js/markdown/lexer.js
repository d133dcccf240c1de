// Lexes Markdown into marked's tokens. Raw HTML is ordinary text here, and ~one tilde~ strikes nothing.
import { Lexer, Tokenizer } from '../../vendor/marked-18.2.1/marked.esm.js';
import { formulas, laterBlock } from './math-syntax.js';

/** Tokens of `text`. `links` holds link definitions known so far, and gains those found. */
export function lex(text, links = {}) {
  return guarded(text, links, (lexer) => lexer.lex(text));
}

/** Block tokens only (a third of the work): enough to see where blocks end. */
export function lexBlocks(text) {
  return guarded(text, {}, (lexer) => lexer.blockTokens(text, []));
}

function guarded(text, links, work) {
  const lexer = new Lexer({ gfm: true, tokenizer: new PlainTokenizer(), ...formulas });
  lexer.tokens.links = links;
  try {
    return work(lexer);
  } catch {
    // Thousands of nested quotes overflow the stack: then the text stands as it is.
    return [{ type: 'paragraph', raw: text, tokens: [{ type: 'escape', raw: text, text }] }];
  }
}

const LONGEST_WITH_EMPHASIS = 5000; // characters of one paragraph: marked's time grows with their square

class PlainTokenizer extends Tokenizer {
  html() {
    return undefined;
  }

  // A formula ends the text before it, also where that text would be the beginning of a heading.
  lheading(source) {
    return super.lheading(source.slice(0, laterBlock(source)));
  }

  // marked's own version remembers an open <a> or <pre> across blocks; then streamed and whole would differ.
  tag(source) {
    const match = source.startsWith('<') && this.rules.inline.tag.exec(source);
    return match ? { type: 'html', raw: match[0], text: match[0] } : undefined;
  }

  emStrong(source, whole, ...rest) {
    return whole.length < LONGEST_WITH_EMPHASIS ? super.emStrong(source, whole, ...rest) : undefined;
  }

  del(source, ...rest) {
    return source.startsWith('~~') ? super.del(source, ...rest) : undefined;
  }
}
