// The client of the npm package `ai` against a running server: `node client.mjs <url> <where its held replies are let
// go on>`. Prints what it saw as JSON.
import { AbstractChat, DefaultChatTransport, readUIMessageStream } from "ai";
import { createParser } from "eventsource-parser";

const [url, goOn] = process.argv.slice(2);
const told = {};
let cookie = "";

// Node keeps no cookies: this does what a browser would.
async function fetchAsBrowser(address, options) {
  const headers = { ...options.headers, ...(cookie && { cookie }) };
  const response = await fetch(address, { ...options, headers });
  cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
  return response;
}

// The reply that is listened to is held until there is an answer.
async function fetchHeld(address, options) {
  const response = await fetchAsBrowser(address, options);
  await fetch(goOn, { method: "POST" });
  return response;
}

const transport = new DefaultChatTransport({ api: `${url}/api/chat`, fetch: fetchAsBrowser });
const listening = new DefaultChatTransport({ api: `${url}/api/chat`, fetch: fetchHeld });
const newId = () => crypto.randomUUID();
const user = (text, id = newId()) => ({ id, role: "user", parts: [{ type: "text", text }] });
const textOf = (message) => message.parts.filter((part) => part.type === "text").map((part) => part.text).join("");

async function read(stream, hear = () => {}) {
  const chunks = [];
  const errors = [];
  const tap = new TransformStream({
    transform(chunk, controller) {
      chunks.push(chunk);
      hear(chunk);
      controller.enqueue(chunk);
    },
  });
  let message;
  for await (const state of readUIMessageStream({ stream: stream.pipeThrough(tap), onError: (error) => errors.push(String(error)) })) {
    message = state;
  }
  return { message, chunks, errors };
}

const send = async (chatId, messages, options = {}) =>
  read(await transport.sendMessages({ chatId, messages, trigger: "submit-message", messageId: undefined, ...options }));

// What `useChat` keeps in React's state.
class State {
  status = "ready";
  error = undefined;

  constructor(messages) {
    this.messages = messages;
  }

  pushMessage = (message) => (this.messages = [...this.messages, message]);
  popMessage = () => (this.messages = this.messages.slice(0, -1));
  replaceMessage = (at, message) => (this.messages = this.messages.with(at, structuredClone(message)));
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor({ messages, ...init }) {
    super({ ...init, state: new State(messages) });
  }
}

const storedMessages = async (chat) => (await (await fetchAsBrowser(`${url}/api/chats/${chat}`, {})).json()).messages;

// Ask and leave in mid-reply, as a page does that is closed.
async function leave(chat, text) {
  const leaving = new AbortController();
  const stream = await transport.sendMessages({
    chatId: chat, messages: [user(text)], trigger: "submit-message", messageId: undefined, abortSignal: leaving.signal,
  });
  const reader = stream.getReader();
  for (let chunk; chunk?.type !== "text-delta"; ) chunk = (await reader.read()).value;
  leaving.abort();
}

const summary = ({ message, chunks, errors }) => ({
  id: message?.id,
  text: message && textOf(message),
  metadata: message?.metadata,
  types: chunks.map((chunk) => chunk.type),
  errors,
});

// Several turns of one chat, the whole list sent each time, as useChat does.
const chatId = newId();
const messages = [];
told.turns = [];
for (const text of ["One [fake: delay 5]", "[fake: summary I think.]", "Three"]) {
  messages.push(user(text));
  const answer = await send(chatId, messages);
  messages.push(answer.message);
  told.turns.push({ ...summary(answer), kinds: answer.message.parts.map((part) => part.type), states: answer.message.parts.map((part) => part.state) });
}
told.ids = messages.map((message) => message.id);
const stored = await (await fetchAsBrowser(`${url}/api/chats/${chatId}`, {})).json();
told.stored = stored.messages.map((message) => message.id);

// The last answer again, and an earlier question in other words.
told.regenerated = summary(
  await send(chatId, messages.slice(0, -1), { trigger: "regenerate-message", messageId: messages.at(-1).id }),
);
told.edited = summary(await send(chatId, [user("[fake: text Edited.]", messages[0].id)], { messageId: messages[0].id }));

// Errors, before the first byte and after it.
try {
  await send(newId(), [user("[fake: error model_not_found]")]);
} catch (error) {
  told.early = { status: error.statusCode, problem: JSON.parse(error.responseBody) };
}
told.late = summary(await send(newId(), [user("Hello [fake: cut 5]")]));

// A page that is reloaded in mid-reply, and again when nothing is live.
const reloaded = newId();
await leave(reloaded, "Hello [fake: tokens 60; hold 5]");
told.resumed = summary(await read(await listening.reconnectToStream({ chatId: reloaded })));
told.nothing = await transport.reconnectToStream({ chatId: reloaded });

// The same by the whole of `useChat`: it has loaded what is stored, the half answer last, and listens on.
const half = newId();
await leave(half, "[fake: summary I think.][fake: tokens 80; hold 5]");
let loaded;
do loaded = await storedMessages(half);
while (!textOf(loaded.at(-1)));
const errors = [];
const chat = new Chat({ id: half, messages: loaded, transport: listening, onError: (error) => errors.push(String(error)) });
await chat.resumeStream();
told.continued = {
  errors, status: chat.status, half: textOf(loaded.at(-1)),
  messages: chat.messages.map((message) => [message.role, message.id, message.parts.map((part) => [part.type, part.text])]),
  stored: (await storedMessages(half)).map((message) => [message.role, message.id, message.parts.map((part) => [part.type, part.text])]),
};
await chat.resumeStream();
told.continued.again = { status: chat.status, count: chat.messages.length };
await chat.sendMessage({ text: "And now? [fake: text Gladly.]" });
told.continued.next = chat.messages.map(textOf).slice(2);

// An answer that was cut off goes on when the client has nothing new to say.
const cut = new Chat({ id: newId(), messages: [], transport, onError: (error) => errors.push(String(error)) });
await cut.sendMessage({ text: "[fake: tokens 4; incomplete 4 max_output_tokens]" });
const before = cut.messages.map(({ id }) => id);
await cut.sendMessage();
told.wentOn = {
  errors, before, ids: cut.messages.map(({ id }) => id), text: textOf(cut.messages.at(-1)),
  stored: textOf((await storedMessages(cut.id)).at(-1)),
};

// A temporary chat: the list brings its past along, with the seals that came with the answers.
const temporary = new Chat({ id: newId(), messages: [], transport, onError: (error) => errors.push(String(error)) });
for (const text of ["[fake: text Uno]", "[fake: text Due]", "[fake: text Tre]"])
  await temporary.sendMessage({ text }, { body: { temporary: true } });
told.temporary = { errors, texts: temporary.messages.map(textOf) };

// A stop while it is read.
const stopped = newId();
const stream = await transport.sendMessages({
  chatId: stopped, messages: [user("Hello [fake: tokens 400; hold 9]")], trigger: "submit-message", messageId: undefined,
});
const stop = ({ type }) => type === "text-delta" && fetchAsBrowser(`${url}/api/chat/${stopped}/stop`, { method: "POST" });
told.stopped = summary(await read(stream, stop));

// The bytes by another parser of server-sent events.
const response = await fetchAsBrowser(`${url}/api/chat`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ id: newId(), messages: [user("Hello [fake: delay 5]")] }),
});
told.parsed = { events: [], comments: 0, errors: 0 };
const parser = createParser({
  onEvent: ({ id, data }) => told.parsed.events.push([id ?? null, data]),
  onComment: () => told.parsed.comments++,
  onError: () => told.parsed.errors++,
});
for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) parser.feed(bytes);

console.log(JSON.stringify(told));
