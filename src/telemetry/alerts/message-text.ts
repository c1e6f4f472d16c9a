import type { AlertMessage } from './channel.ts';

/** One line for subjects and titles. */
export function titleOf({ status, level, title }: AlertMessage): string {
  if (status === 'resolved') return `[resolved] ${title}`;
  return `[${status === 'test' ? 'test' : level}] ${title}`;
}

/** Plain text, a fact a line. */
export function bodyOf(message: AlertMessage): string {
  const { status, summary, action, detail, runbook, since, source } = message;
  return [
    summary,
    ...(status === 'firing' && action !== '' ? [`What to do: ${action}`] : []),
    ...(detail === '' ? [] : [detail]),
    `Since ${new Date(since).toISOString()}, told by ${source}.`,
    ...(runbook === '' ? [] : [`Runbook: ${runbook}`]),
  ].join('\n');
}
