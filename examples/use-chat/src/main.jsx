// Begins the chat that the address names (#...), or a new one. The cookie is there before the chat is asked for.
import { generateId } from 'ai';
import { createRoot } from 'react-dom/client';
import { Chat } from './chat.jsx';
import { readMe, readMessages, words } from './server.js';

const root = createRoot(document.getElementById('root'));
const named = location.hash.slice(1);
const id = named || generateId();
history.replaceState(null, '', `#${id}`);
try {
  const me = await readMe();
  const stored = named ? await readMessages(id) : [];
  root.render(<Chat id={id} stored={stored} me={me} />);
} catch (error) {
  root.render(<p role="alert">{words(error)}</p>);
}
