// Makes a parent's children equal to new ones while keeping every node that did not change.
import { showsTheSame } from './drawing.js';

/** Replaces `parent`'s children from `start` on by `nodes`; equal nodes stay, grown text is appended to. */
export function patchChildren(parent, start, nodes) {
  let old = parent.childNodes[start] ?? null;
  for (const node of nodes) {
    const next = old?.nextSibling ?? null;
    if (old) patchNode(old, node);
    else parent.append(node);
    old = next;
  }
  while (old) {
    const next = old.nextSibling;
    old.remove();
    old = next;
  }
}

function patchNode(old, node) {
  if (showsTheSame(old, node) || old.isEqualNode(node)) return;
  if (old.nodeType === Node.TEXT_NODE && node.nodeType === Node.TEXT_NODE) patchText(old, node.data);
  else if (sameShell(old, node)) patchChildren(old, 0, [...node.childNodes]);
  else old.replaceWith(node);
}

// Appending keeps the reader's selection; setting would drop it.
function patchText(old, text) {
  if (text.startsWith(old.data)) old.appendData(text.slice(old.data.length));
  else old.data = text;
}

function sameShell(old, node) {
  return old.nodeType === Node.ELEMENT_NODE && old.cloneNode(false).isEqualNode(node.cloneNode(false));
}
