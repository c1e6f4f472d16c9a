/** A Dockerfile as a list of steps, so that they can be looked at and run where there is no engine. */

export interface DockerStep {
  readonly line: number;
  readonly instruction: string;
  readonly rest: string;
}

export interface DockerStage {
  readonly from: string;
  readonly name: string | undefined;
  readonly steps: readonly DockerStep[];
}

export function parseDockerfile(text: string): readonly DockerStage[] {
  const stages: { from: string; name: string | undefined; steps: DockerStep[] }[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let whole = lines[at]!;
    if (/^\s*(#|$)/.test(whole)) continue;
    while (whole.endsWith('\\')) whole = whole.slice(0, -1) + lines[++at]!;
    const match = /^([A-Z]+)\s+(.*)$/.exec(whole);
    if (!match) throw new Error(`Dockerfile line ${line} is no instruction: ${whole}`);
    const [, instruction, rest] = match as unknown as [string, string, string];
    if (instruction === 'FROM') {
      const [, from, name] = /^(\S+)(?: AS (\S+))?$/.exec(rest)!;
      stages.push({ from: from!, name, steps: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`Dockerfile line ${line}: ${instruction} before FROM`);
      stage.steps.push({ line, instruction, rest });
    }
  }
  return stages;
}

export const stepsOf = (stage: DockerStage, instruction: string): readonly DockerStep[] =>
  stage.steps.filter((step) => step.instruction === instruction);

/** `A=1 B=2` → { A: '1', B: '2' } */
export function environmentOf(stage: DockerStage): Record<string, string> {
  return Object.fromEntries(
    stepsOf(stage, 'ENV').flatMap(({ rest }) =>
      rest.split(/\s+/).map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    ),
  );
}

/** The exec form, `["node", "-e", …]`. */
export function wordsOf(step: DockerStep | undefined): readonly string[] {
  const array = /\[.*\]$/.exec(step?.rest ?? '');
  if (!array) throw new Error(`not in exec form: ${step?.instruction} ${step?.rest}`);
  return JSON.parse(array[0]) as string[];
}
