/** docs/reference/alerts.md, from the catalogue of alerts. */
import { alertRules } from '../../src/telemetry/alerts/catalogue.ts';
import { promDuration, toPromql } from '../../src/telemetry/alerts/promql.ts';
import { runbookAnchor, type AlertRule } from '../../src/telemetry/alerts/rule.ts';
import { recordings } from '../../src/telemetry/alerts/rules/recordings.ts';

export function alertsReference(): string {
  return [
    '# Alerts',
    '',
    'The same rules for Prometheus (`deploy/prometheus/selfhost-rules.yaml`) and for the gateway itself, see',
    '[Monitoring](../monitoring.md). `page` wakes somebody, `ticket` can wait for the morning, `warn` comes before the fact.',
    '',
    '| alert | severity | after | what is wrong |',
    '|---|---|---|---|',
    ...alertRules.map(
      (rule) =>
        `| [${rule.name}](../runbook.md#${runbookAnchor(rule)}) | ${severityOf(rule)} | ${rule.forMs === 0 ? 'at once' : promDuration(rule.forMs)} | ${rule.summary} |`,
    ),
    '',
    'Silence of its series fires no alert: what is not configured, and a fleet asleep, are no faults. `GatewayDown` is the',
    'exception, and is for Prometheus alone: who is gone cannot tell.',
    '',
    '## Conditions',
    '',
    ...alertRules.flatMap((rule) => [
      `**${rule.name}**`,
      '',
      '```',
      rule.noData === 'fires' ? 'absent(selfhost_build_info)' : toPromql(rule.when),
      ...(rule.warnWhen === undefined ? [] : [`# warn: ${toPromql(rule.warnWhen)}`]),
      '```',
      '',
    ]),
    '## Recordings',
    '',
    ...recordings.flatMap(({ name, of }) => [`\`${name}\``, '', '```', toPromql(of), '```', '']),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

const severityOf = ({ severity, warnWhen }: AlertRule): string =>
  warnWhen === undefined ? severity : `${severity}, warn before`;
