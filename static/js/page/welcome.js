// What an empty chat shows: who answers, a greeting, first questions. Known with the page, so that nothing moves later.
import { element, part } from './dom.js';
import { words } from './words.js';

/** `suggestions` are the server's first questions; the tutor has its own. */
export function welcome(mode, suggestions) {
  const told = words.modes[mode];
  const banner = part(document, 'banner');
  banner.hidden = !told;
  part(banner, 'banner-title').textContent = told?.title;
  part(banner, 'banner-text').textContent = told?.text;
  part(document, 'greeting').textContent = told?.greeting ?? words.greeting;
  suggest(mode === 'live' ? suggestions : (told?.questions ?? []));
}

function suggest(questions) {
  const list = part(document, 'suggestions');
  const shown = [...list.children].map(({ textContent }) => textContent);
  if (shown.join('|') === questions.join('|')) return; // one may have the focus
  list.replaceChildren(...questions.map((text) => element('button', { type: 'button', class: 'suggestion' }, text)));
}
