/** How commands speak to a running gateway: plain HTTP to its two ports. */
import { CliError, type CliContext, type GlobalOptions } from './context.ts';

const gatewayPort = 11_435;
const adminPort = 11_436;

export interface Target {
  /** Without a trailing slash. */
  readonly url: string;
  readonly bearer: string | undefined;
  readonly what: 'gateway' | 'operator port of the gateway';
}

/** `--url`, else SELFHOST_URL, else this machine at SELFHOST_PORT or 11435. The key comes from SELFHOST_API_KEY. */
export function gatewayTarget(context: CliContext, options: GlobalOptions): Target {
  const { SELFHOST_URL: url, SELFHOST_PORT: port, SELFHOST_API_KEY: bearer } = context.environment;
  return { url: baseUrl('--url', options.url ?? url, port || gatewayPort), bearer, what: 'gateway' };
}

/** `--admin-url`, else SELFHOST_ADMIN_URL, else this machine at SELFHOST_ADMIN_PORT or 11436. The key comes from SELFHOST_ADMIN_KEY. */
export function adminTarget(context: CliContext, options: GlobalOptions): Target {
  const { SELFHOST_ADMIN_URL: url, SELFHOST_ADMIN_PORT: port, SELFHOST_ADMIN_KEY: bearer } = context.environment;
  return {
    url: baseUrl('--admin-url', options.adminUrl ?? url, port || adminPort),
    bearer,
    what: 'operator port of the gateway',
  };
}

function baseUrl(option: string, given: string | undefined, port: string | number): string {
  const text = given || `http://127.0.0.1:${port}`;
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new CliError(`${option} is \`${text}\`; expected a URL such as http://127.0.0.1:${gatewayPort}`);
  }
  return text.replace(/\/+$/, '');
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws CliError when the gateway is not there or refuses, with its own words and the remedy */
export async function call(target: Target, { method = 'GET', path, query, body, headers }: Call): Promise<Response> {
  const url = new URL(target.url + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        ...headers,
        ...(target.bearer && { authorization: `Bearer ${target.bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new CliError(
      `cannot reach the ${target.what} at ${target.url} (${reason(error)}); start it with \`llm-self-host serve\``,
      { cause: error },
    );
  }
  if (!response.ok) throw await refusal(target, response);
  return response;
}

export async function getJson<T>(target: Target, request: Call): Promise<T> {
  const response = await call(target, request);
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new CliError(
      `${target.url}${request.path} did not answer in JSON (it began with \`${text.slice(0, 40)}\`); is that an llm-self-host?`,
    );
  }
}

function reason(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}

async function refusal(target: Target, response: Response): Promise<CliError> {
  const text = await response.text().catch(() => '');
  const key = target.what === 'gateway' ? 'SELFHOST_API_KEY' : 'SELFHOST_ADMIN_KEY';
  const hint = response.status === 401 ? `; set ${key} to a key that it knows` : '';
  return new CliError(`${errorText(text) ?? `the ${target.what} answered ${response.status}`}${hint}`);
}

/** The words of an error body: ours, Ollama's or OpenAI's. */
export function errorText(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: string | { message?: string } };
    return typeof error === 'string' ? error : error?.message;
  } catch {
    return undefined;
  }
}
