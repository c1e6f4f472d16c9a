/**
 * `JSON.stringify(text)` for the few letters of a token, of which a stream sends one after the other: most have
 * nothing to escape, and seeing that costs a third of asking.
 */
export function tokenText(text: string): string {
  if (text.length > shortLettersMax) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < space || code === quote || code === backslash || isSurrogate(code)) return JSON.stringify(text);
  }
  return `"${text}"`;
}

/** Beyond it JSON.stringify is as fast. */
const shortLettersMax = 32;
const space = 0x20;
const quote = 0x22;
const backslash = 0x5c;
/** Half of one stands for itself only beside its other half. */
const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
