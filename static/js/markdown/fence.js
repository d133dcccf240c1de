// An open code block that only grows: its text is appended, and nothing is lexed until its closing fence.
import { grew } from './drawing.js';

/** How the block of `token`, the last one of `text`, grows; null unless it is an open fence at the margin. */
export function openFence(token, text, container) {
  const [opening, mark] = (token?.type === 'code' && /^(`{3,}|~{3,})[^\n]*\n/.exec(token.raw)) || [];
  if (!mark || !text.endsWith(token.raw)) return null;
  const closing = new RegExp(`^ {0,3}${mark}${mark[0]}*[ \\t]*$`, 'm');
  const bodyAt = text.length - token.raw.length + opening.length;
  if (closing.test(text.slice(bodyAt))) return null;
  const code = container.lastElementChild.querySelector('code');
  return { closing, bodyAt, shownTo: bodyAt + token.text.length, code };
}

/** Appends what came; false when the block may be closed, or begins to. */
export function growFence(fence, text) {
  const { closing, bodyAt, shownTo, code } = fence;
  const lineAt = Math.max(bodyAt, text.lastIndexOf('\n', shownTo - 1) + 1);
  if (closing.test(text.slice(lineAt))) return false;
  const whole = text.slice(shownTo).replace(/\n?(?:(?<=\n|^) {0,3}[`~]*)?$/, '');
  if (code.lastChild) code.lastChild.appendData(whole);
  else code.append(whole);
  grew(code, whole);
  fence.shownTo += whole.length;
  return true;
}
