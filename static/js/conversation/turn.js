// What is sent to the server to have a question answered: a request as the AI SDK's protocol has it.

/**
 * Of what is wanted, as Asking has it. Of a kept chat only the newest message counts; a temporary one is not kept, so
 * what was said in it comes from the page's `transcript`.
 */
export function turnOf({ trigger, question, cut, edited, again }, { chat, temporary }, { transcript, server }) {
  const common = { id: chat, ...server.chosenModel };
  if (temporary) {
    const messages = [...transcript.before(question), question.asMessage];
    return { ...common, trigger: 'submit-message', messages, temporary };
  }
  const newest = cut ? { id: cut.id, role: 'assistant', parts: [] } : question.asMessage;
  const known = cut ? 'submit-message' : trigger; // the protocol's: a list that ends with an answer asks for its rest
  return { ...common, trigger: known, messageId: edited ?? again, messages: [newest] };
}
