/**
 * Upper bounds on what one request may make a decoder loop over. They are far above what clients send;
 * the size of a body is capped before this, so they only stop bodies made of millions of tiny elements.
 */

/** Agents with long histories send a few thousand; a 256k context holds fewer than 20,000 turns. */
export const messagesMax = 20_000;
/** Parts (text, image, tool result) of one message. */
export const partsMax = 2_000;
/** Large tool sets have hundreds of tools, and their schemas fill a context long before this. */
export const toolsMax = 2_000;
/** Tool calls in one message. */
export const toolCallsMax = 1_000;
/** Images in one message or prompt. */
export const imagesMax = 1_000;
/** Each stop sequence is searched for at every token. */
export const stopSequencesMax = 128;
/** Texts in one embeddings call; OpenAI allows 2,048. */
export const embedInputsMax = 16_384;
/** Token ids of a `context`; above the longest context window of today's models. */
export const contextTokensMax = 4_000_000;
/** Levels of nesting in values passed on whole; published JSON schemas stay under 20. */
export const depthMax = 100;
/** Characters of a model name: it becomes part of keys, and longer ones than any registry allows are mistakes. */
export const modelNameCharsMax = 512;
