/** What a rented machine proves itself with, and what we show to be let in: made for one machine, forgotten with it. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';

/** Goes to the machine, once. Nobody keeps it here. */
export interface MachineSecrets {
  /** EC P-256, PKCS#8 in DER, base64: short enough for an environment variable of the market. */
  readonly keyBase64: string;
  readonly token: string;
}

/** Stays here for as long as the machine lives. */
export interface Admission {
  readonly token: string;
  /** SHA-256 of the machine's public key (SPKI, DER), base64. It outlives restarts of the machine. */
  readonly pinSha256: string;
}

const tokenBytes = 32;

export function makeIdentity(): { readonly machine: MachineSecrets; readonly admission: Admission } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const token = randomBytes(tokenBytes).toString('base64url');
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    machine: { keyBase64: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'), token },
    admission: { token, pinSha256: createHash('sha256').update(spki).digest('base64') },
  };
}

/** One opaque word for whoever keeps it; see `decodeAdmission`. */
export const encodeAdmission = ({ token, pinSha256 }: Admission): string => `1.${token}.${pinSha256}`;

/** @throws Error, without the word itself, when it is not one of ours */
export function decodeAdmission(word: string): Admission {
  const match = /^1\.([\w-]{43})\.([A-Za-z0-9+/]{43}=)$/.exec(word);
  if (!match) throw new Error('the secrets of a rented machine are not readable; destroy it and rent another');
  return { token: match[1]!, pinSha256: match[2]! };
}
