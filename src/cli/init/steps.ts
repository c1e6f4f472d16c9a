/** The steps of the wizard, in order. What is given as an option is not asked; what can be checked is checked at once. */
import { alertStep } from './alert-step.ts';
import { untilGood, type StepDeps } from './checked.ts';
import { checkUrl, type AnswerSource, type Given } from './given.ts';
import type { Setup, Source } from './setup.ts';
import type { Ui } from './ui.ts';
import { vastStep } from './vast-step.ts';

/** @throws SetupCancelled, CliError; nothing has been written or rented then */
export async function askAll(given: Given, deps: StepDeps): Promise<Setup> {
  const source = await sourceStep(given, deps);
  return {
    source,
    ...(await cacheStep(given, deps.ui)),
    alert: await alertStep(given, deps),
    port: given.port,
    adminPort: given.adminPort,
    dataDir: given.dataDir,
  };
}

async function sourceStep(given: Given, deps: StepDeps): Promise<Source> {
  const { ui } = deps;
  const kind =
    given.answers ??
    (await ui.select<AnswerSource>({
      message: 'Where do answers come from?',
      options: [
        { value: 'demo', label: 'Demo', hint: 'made-up answers, or the Ollama of this computer; no account, no cost' },
        { value: 'ollama', label: 'My Ollama', hint: 'a server you have' },
        { value: 'vast', label: 'vast.ai', hint: 'GPUs rented by the hour, inside the caps you set' },
      ],
      initial: 'demo',
    }));
  switch (kind) {
    case 'demo':
      return { kind };
    case 'ollama':
      return ollamaStep(given, deps);
    case 'vast':
      return { kind, ...(await vastStep(given, deps)) };
  }
}

async function ollamaStep(given: Given, { ui, outside }: StepDeps): Promise<Source> {
  return untilGood(ui, given.ollamaUrl !== undefined, async () => {
    const url =
      given.ollamaUrl ??
      (await ui.text({
        message: 'Where does your Ollama listen?',
        initial: 'http://127.0.0.1:11434',
        check: checkUrl,
      }));
    const models = await outside.ollamaModels(url);
    if (models.length === 0) ui.warn(`the Ollama at ${url} has no models yet; \`ollama pull llama3.2\` fetches one`);
    else ui.say(`Ollama at ${url} answers; models: ${listed(models)}`);
    return { kind: 'ollama', url, models };
  });
}

async function cacheStep(given: Given, ui: Ui): Promise<Pick<Setup, 'cache' | 'audits' | 'access'>> {
  const cache =
    given.cache ??
    (await ui.select<Setup['cache']>({
      message: 'How bold may the cache be with the same question in other words?',
      options: [
        { value: 'balanced', label: 'Balanced', hint: 'at most 5 % of such hits wrong, shown by audits' },
        { value: 'strict', label: 'Strict', hint: 'a stronger proof first; about half the hits' },
        { value: 'exact', label: 'Exact only', hint: 'only the same question again' },
      ],
      initial: 'balanced',
    }));
  const audits =
    cache === 'exact'
      ? 'off'
      : (given.audits ??
        (await ui.select<Setup['audits']>({
          message: 'May idle thinkers answer a sample of questions again, to measure how often the cache is wrong?',
          options: [
            { value: 'on', label: 'Yes', hint: 'the cache opens as it is proven' },
            { value: 'off', label: 'No', hint: 'nothing is learned; only near duplicates are reused' },
          ],
          initial: 'on',
        })));
  const access =
    given.access ??
    (await ui.select<Setup['access']>({
      message: 'Who may ask, and whose stored answers do they see?',
      options: [
        { value: 'open', label: 'Everybody on this computer', hint: 'no key; all share stored answers' },
        {
          value: 'keys',
          label: 'Holders of a key',
          hint: 'a first key is made; each tenant sees its own answers only',
        },
      ],
      initial: 'open',
    }));
  return { cache, audits, access };
}

/** Enough names to recognise the server by. */
const modelsShownMax = 6;

function listed(models: readonly string[]): string {
  const rest = models.length - modelsShownMax;
  return models.slice(0, modelsShownMax).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
