import type { Transporter } from 'nodemailer';
import { ChannelError, type Channel } from '../channel.ts';
import { bodyOf, titleOf } from '../message-text.ts';

export interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte; `starttls` asks for it and sends nothing without; `none` for a relay on this machine. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutMs: number;
  /** Authority that signed the server's certificate, where it is no public one. */
  readonly ca?: string;
}

/** Mail over SMTP. The library is loaded with the first message: without mail it costs nothing. */
export function createEmailChannel(options: EmailOptions): Channel {
  let transport: Transporter | undefined;
  return {
    kind: 'email',
    async send(message, { signal }) {
      transport ??= await openTransport(options);
      const { host } = options;
      const sending = transport.sendMail({
        from: options.from,
        to: [...options.to],
        subject: titleOf(message),
        text: `${bodyOf(message)}\n`,
        // The same message sent twice is one message to a mail reader.
        messageId: `<${message.id}@llm-self-host>`,
        headers: { 'auto-submitted': 'auto-generated', ...(message.level === 'page' && { 'x-priority': '1' }) },
      });
      try {
        await Promise.race([sending, aborted(signal, host)]);
      } catch (error) {
        if (error instanceof ChannelError) throw error;
        const { responseCode, code } = error as { responseCode?: number; code?: string };
        const why = responseCode === undefined ? (code ?? 'the connection failed') : `answered ${responseCode}`;
        // 5xx is final by the standard, and a wrong password does not become right.
        throw new ChannelError(`${host}: ${why}`, { retryable: (responseCode ?? 0) < 500 && code !== 'EAUTH' });
      }
    },
    close: () => transport?.close(),
  };
}

async function openTransport(options: EmailOptions): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  const { host, port, security, user, password, timeoutMs, ca } = options;
  return createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    ...(ca !== undefined && { tls: { ca } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // A message is text of ours; nothing in it may make the library read files or fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function aborted(signal: AbortSignal, host: string): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new ChannelError(`${host}: no answer in time`, { retryable: true }));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
