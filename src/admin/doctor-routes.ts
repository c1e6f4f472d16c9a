/** The doctor on the operator port: the same checks as on the command line, without mending. */
import type { AdminContext } from './admin-deps.ts';
import { sendJson, type Exchange } from './http.ts';

export async function showDoctor(exchange: Exchange, { doctor }: AdminContext): Promise<void> {
  sendJson(exchange, await doctor());
}
