// The chat: what was said, what went wrong, a box to say more, and what is left of the allowance.
import { useChat } from '@ai-sdk/react';
import { useEffect, useState } from 'react';
import { readMe, stopReply, transport, words } from './server.js';

export function Chat({ id, stored, me }) {
  const { messages, sendMessage, status, error } = useChat({ id, messages: stored, transport, resume: stored.length > 0 });
  const [draft, setDraft] = useState('');
  const [{ allowance }, setMe] = useState(me);
  const isBusy = status === 'submitted' || status === 'streaming';

  useEffect(() => {
    if (!isBusy) readMe().then(setMe, () => {});
  }, [isBusy]);

  function send(event) {
    event.preventDefault();
    if (isBusy || !draft.trim()) return;
    setDraft('');
    sendMessage({ text: draft });
  }

  return (
    <>
      <main aria-live="polite" aria-busy={isBusy}>
        {messages.map((message) => <Message key={message.id} {...message} />)}
        {error && <p role="alert">{words(error)}</p>}
      </main>
      <form onSubmit={send}>
        <input aria-label="Message" value={draft} onChange={(event) => setDraft(event.target.value)} autoFocus />
        {isBusy ? <button type="button" onClick={() => stopReply(id)}>Stop</button> : <button>Send</button>}
      </form>
      <Allowance {...allowance} />
    </>
  );
}

function Message({ role, parts }) {
  const text = parts.filter(({ type }) => type === 'text').map(({ text }) => text).join('');
  return <article className={role}>{text || '…'}</article>;
}

function Allowance({ messages, money }) {
  const left = [messages && `${messages.left} messages`, money && `$${money.left.toFixed(2)}`].filter(Boolean);
  return <footer>{left.length > 0 && `Left: ${left.join(', ')}.`} Answers can be wrong.</footer>;
}
