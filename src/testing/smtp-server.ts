/** A real SMTP server (RFC 5321, AUTH PLAIN and LOGIN, STARTTLS) that keeps what it is sent, and refuses on demand. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { selfSigned } from '../core/self-signed.ts';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as sent, dots unstuffed. */
  readonly source: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface SmtpServer {
  readonly port: number;
  /** To trust, PEM. */
  readonly ca: string;
  readonly mails: readonly ReceivedMail[];
  /** The next replies to a mail's end of data, such as `451 later`. */
  refuse(...replies: readonly string[]): void;
  close(): Promise<void>;
}

export interface SmtpServerOptions {
  readonly startTls?: boolean;
  /** Who may sign in; then everybody has to. */
  readonly account?: { readonly user: string; readonly password: string };
}

export async function startSmtpServer({ startTls = false, account }: SmtpServerOptions = {}): Promise<SmtpServer> {
  const { key, cert } = selfSigned();
  const mails: ReceivedMail[] = [];
  const refusals: string[] = [];
  const sockets = new Set<Socket>();

  function serve(socket: Socket, secure: boolean): void {
    let user: string | undefined;
    let from = '';
    let to: string[] = [];
    /** Lines of a mail, or the next lines of a sign-in. */
    let data: string[] | undefined;
    let login: { readonly user: string | undefined } | undefined;
    let pending = '';
    const say = (line: string) => void socket.write(`${line}\r\n`);
    const signIn = (name: string, password: string) => {
      const isRight = name === account?.user && password === account.password;
      if (isRight) user = name;
      say(isRight ? '235 welcome' : '535 wrong name or password');
    };
    const decode = (base64: string) => Buffer.from(base64, 'base64').toString('utf8');

    function onLine(line: string): void {
      if (data !== undefined) return onData(line);
      if (login !== undefined) {
        const { user: name } = login;
        if (name === undefined) {
          login = { user: decode(line) };
          return say('334 UGFzc3dvcmQ6');
        }
        login = undefined;
        return signIn(name, decode(line));
      }
      const [verb = '', ...rest] = line.split(' ');
      switch (verb.toUpperCase()) {
        case 'EHLO': {
          const offers = [
            ...(startTls && !secure ? ['STARTTLS'] : []),
            ...(account ? ['AUTH PLAIN LOGIN'] : []),
            '8BITMIME',
          ];
          for (const offer of ['test', ...offers.slice(0, -1)]) say(`250-${offer}`);
          return say(`250 ${offers.at(-1)}`);
        }
        case 'STARTTLS':
          if (!startTls || secure) return say('502 not here');
          say('220 go on');
          socket.removeAllListeners('data');
          return serve(new TLSSocket(socket, { isServer: true, key, cert }), true);
        case 'AUTH':
          if (rest[0] === 'PLAIN') {
            const [, name = '', password = ''] = decode(rest[1] ?? '').split('\0');
            return signIn(name, password);
          }
          login = { user: rest[1] === undefined ? undefined : decode(rest[1]) };
          return say(login.user === undefined ? '334 VXNlcm5hbWU6' : '334 UGFzc3dvcmQ6');
        case 'MAIL':
          if (account !== undefined && user === undefined) return say('530 sign in first');
          from = addressIn(line);
          to = [];
          return say('250 ok');
        case 'RCPT':
          to.push(addressIn(line));
          return say('250 ok');
        case 'DATA':
          data = [];
          return say('354 end with a dot');
        case 'QUIT':
          say('221 bye');
          return void socket.end();
        default:
          return say(['RSET', 'NOOP'].includes(verb.toUpperCase()) ? '250 ok' : '502 not known');
      }
    }

    function onData(line: string): void {
      if (line !== '.') return void data!.push(line.startsWith('.') ? line.slice(1) : line);
      const source = data!.join('\n');
      data = undefined;
      const refusal = refusals.shift();
      if (refusal === undefined) mails.push({ from, to, source, secure, user });
      say(refusal ?? '250 taken');
    }

    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('utf8');
      const lines = pending.split('\r\n');
      pending = lines.pop()!;
      for (const line of lines) onLine(line);
    });
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, false);
    socket.write('220 test\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ca: cert,
    mails,
    refuse: (...replies) => void refusals.push(...replies),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const addressIn = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? '';
