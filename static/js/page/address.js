// The page's address and title: which chat it names, and moving to another without loading the page again.
import { words } from './words.js';

const site = document.querySelector('meta[name=application-name]').content;

/** The chat that the address names, or null. */
export function chatInAddress() {
  return /^\/c\/([A-Za-z0-9_-]{8,64})$/.exec(location.pathname)?.[1] ?? null;
}

export function goTo(chat) {
  const path = chat ? `/c/${chat}` : '/';
  if (location.pathname !== path) history.pushState(null, '', path);
}

export function nameChat(title) {
  document.title = title ? words.title([...title].slice(0, 60).join(''), site) : site;
}

/** Will the browser open the link that this click is on in another tab or window, or save it? */
export function opensElsewhere({ ctrlKey, metaKey, shiftKey, altKey }) {
  return ctrlKey || metaKey || shiftKey || altKey;
}
