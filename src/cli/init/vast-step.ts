/** Steps 2 to 5 for rented machines: key, model, machine, spending. Nothing is rented by them. */
import { CliError } from '../context.ts';
import { formatPercent, parseDuration } from '../format.ts';
import { usd } from '../fleet-text.ts';
import { secretIn, untilGood, type StepDeps } from './checked.ts';
import { spendingOf, type Caps, type Spending } from './estimate.ts';
import {
  checkDuration,
  checkHours,
  checkUsd,
  dollars,
  hoursExample,
  parseSchedule,
  type Given,
  type WorkingHours,
} from './given.ts';
import { gpusFor, knownModels, needsOf, type ModelNeeds } from './models.ts';
import type { GpuOffers, KeyReport, MarketDoor } from './outside.ts';
import type { VastPlan } from './setup.ts';
import type { Ui } from './ui.ts';

/** As the configuration has them by default. */
const slots = 8;
const contextTokens = 8_192;
/** The image of Ollama, GB; downloaded with the model at each start. */
const imageGb = 2.4;
/** Prices move: so much above the median is still taken. */
const priceSlack = 1.5;
const thinkersMost = 4;
const hoursPerDayGuess = 4;
const ownModel = 'own';

export async function vastStep(given: Given, { ui, outside }: StepDeps): Promise<VastPlan> {
  const { market, key, balanceUsd, hosts } = await keyStep(given, { ui, outside });
  try {
    const needs = await modelStep(given, ui);
    const offers = await offersStep({ ...given, hosts }, ui, market, needs);
    const gpuNames = await gpuStep(given, ui, offers, needs);
    const chosen = offers.filter(({ gpu }) => gpuNames.includes(gpu));
    const usual = usualOf(chosen);
    return {
      url: given.vastUrl,
      key,
      balanceUsd,
      needs,
      slots,
      contextTokens,
      gpuNames,
      hosts,
      ...(await spendingStep(given, { ui, outside }, usual, needs, balanceUsd)),
    };
  } finally {
    await market.close();
  }
}

async function keyStep(
  given: Given,
  { ui, outside }: StepDeps,
): Promise<{
  readonly market: MarketDoor;
  readonly key: string;
  readonly balanceUsd: number;
  readonly hosts: VastPlan['hosts'];
}> {
  const fromOption = given.vastKeyFile === undefined ? given.vastKey : secretIn('--vast-key-file', given.vastKeyFile);
  return untilGood(ui, fromOption !== undefined, async () => {
    const key = fromOption ?? (await ui.secret({ message: 'API key of vast.ai (https://cloud.vast.ai/manage-keys/)' }));
    const hosts = given.hosts ?? (await askHosts(ui));
    const market = await outside.market({ url: given.vastUrl, key, hosts });
    try {
      const report = await market.key();
      tellKey(report, ui);
      return { market, key, balanceUsd: report.balanceUsd, hosts };
    } catch (error) {
      await market.close();
      throw error;
    }
  });
}

/** Whoever owns a machine can read what is asked there: that is said where it is chosen. */
const askHosts = (ui: Ui): Promise<VastPlan['hosts']> =>
  ui.select<VastPlan['hosts']>({
    message: 'Whose machines? (their owner can read what is asked there)',
    options: [
      { value: 'verified', label: 'Hosts that vast.ai has verified', hint: 'the usual choice' },
      { value: 'datacenter', label: 'Companies in data centres', hint: 'for private data; fewer and dearer' },
      { value: 'any', label: 'Any host', hint: 'cheapest; fails more often' },
    ],
    initial: 'verified',
  });

function tellKey(report: KeyReport, ui: Ui): void {
  const { email, balanceUsd, instances, billing, keys } = report;
  ui.say(
    `the key works${email === '' ? '' : `, account ${email}`}: ${usd(balanceUsd)} left; ` +
      `instances: ${instances === 'may' ? 'may list' : 'MAY NOT list'}, billing: ${billing === 'may' ? 'may read' : 'may not read'}`,
  );
  if (instances === 'may-not')
    throw new CliError('the key may not list instances, so what bills could not be seen; give it instance rights');
  if (billing === 'may-not') ui.warn('without billing rights, what is metered here cannot be compared with the bill');
  if (keys === 'may')
    ui.warn('the key may also manage keys of the account; make one with instance and billing rights only');
  if (keys === 'unknown')
    ui.warn('whether the key may do more than that cannot be told; a gateway needs instance and billing rights only');
  if (balanceUsd < 1) ui.warn(`${usd(balanceUsd)} will not last; add credit before renting`);
}

async function modelStep(given: Given, ui: Ui): Promise<ModelNeeds> {
  const chosen =
    given.model ??
    (await ui.select<string>({
      message: 'Which model?',
      options: [
        ...knownModels.map(({ name, sizeGb, about }) => ({
          value: name,
          label: name,
          hint: `${sizeGb} GB, needs ${needsOf(name, { slots, contextTokens })!.vramGb} GB of GPU memory; ${about}`,
        })),
        { value: ownModel, label: 'Another one', hint: 'any name that Ollama can pull' },
      ],
      initial: knownModels[0]!.name,
    }));
  const model =
    chosen === ownModel ? await ui.text({ message: 'Name, as for `ollama pull`', example: 'qwen3:4b' }) : chosen;
  const known = needsOf(model, { sizeGb: given.modelGb, slots, contextTokens });
  const needs =
    known ??
    needsOf(model, {
      sizeGb: Number(
        await ui.text({
          message: `Size of ${model}, GB (--model-gb)`,
          example: '6.25',
          check: (text) => (Number(text) >= 0.1 && Number(text) <= 2_000 ? undefined : 'expected GB, such as 6.25'),
        }),
      ),
      slots,
      contextTokens,
    })!;
  const [smallest] = gpusFor(needs.vramGb);
  if (smallest === undefined)
    throw new CliError(
      `${model} needs ${needs.vramGb} GB of GPU memory for ${slots} answers of ${contextTokens} tokens at a time, more than one GPU has; take a smaller one`,
    );
  ui.say(
    `${model}: ${needs.sizeGb} GB to download, ${needs.vramGb} GB of GPU memory for ${slots} answers of ${contextTokens} tokens at a time, ${needs.diskGb} GB of disk; the smallest GPU that fits: ${smallest}`,
  );
  return needs;
}

async function offersStep(given: Given, ui: Ui, market: MarketDoor, needs: ModelNeeds): Promise<readonly GpuOffers[]> {
  const fitting = gpusFor(needs.vramGb);
  const gpuNames = given.gpu ?? fitting;
  const offers = await market.offers({ gpuNames, vramGb: needs.vramGb, diskGb: needs.diskGb });
  if (offers.length === 0)
    throw new CliError(
      `nobody lets out a machine for ${needs.model} now (${gpuNames.join(', ')}, ${needs.vramGb} GB); try again, or take --hosts any or another --gpu`,
    );
  const rows = offers.map(
    ({ gpu, offers: count, minUsd, medianUsd, reliability, datacenters }) =>
      `  ${gpu.padEnd(14)} from ${usd(minUsd)}, median ${usd(medianUsd)} an hour; ${count} offers, ${datacenters} in data centres; reliability ${formatPercent(reliability)}`,
  );
  ui.say(`on the market now, on demand, ${hostsText(given.hosts)}:\n${rows.join('\n')}`);
  return offers;
}

const hostsText = (hosts: Given['hosts']): string =>
  hosts === 'any' ? 'of any host' : hosts === 'datacenter' ? 'in data centres' : 'of hosts that vast.ai has verified';

async function gpuStep(
  given: Given,
  ui: Ui,
  offers: readonly GpuOffers[],
  needs: ModelNeeds,
): Promise<readonly string[]> {
  if (given.gpu !== undefined) return given.gpu;
  const any = 'any';
  const chosen = await ui.select<string>({
    message:
      'Which GPU? (on demand only: an interruptible machine is cheaper and can vanish in the middle of an answer)',
    options: [
      { value: any, label: 'Any that fits', hint: 'each time the one that gives most tokens for the money' },
      ...offers.map(({ gpu, medianUsd }) => ({ value: gpu, label: gpu, hint: `median ${usd(medianUsd)} an hour` })),
    ],
    initial: any,
  });
  return chosen === any ? gpusFor(needs.vramGb) : [chosen];
}

interface Usual {
  readonly minUsd: number;
  readonly medianUsd: number;
  readonly downUsdPerGb: number;
}

/** Of the chosen kinds: the cheapest offer, and what a machine usually costs. */
function usualOf(offers: readonly GpuOffers[]): Usual {
  const middle = offers[Math.floor((offers.length - 1) / 2)]!;
  return {
    minUsd: Math.min(...offers.map(({ minUsd }) => minUsd)),
    medianUsd: middle.medianUsd,
    downUsdPerGb: middle.downUsdPerGb,
  };
}

async function spendingStep(
  given: Given,
  { ui, outside }: StepDeps,
  usual: Usual,
  needs: ModelNeeds,
  balanceUsd: number,
): Promise<
  Pick<
    VastPlan,
    | 'caps'
    | 'pricePerHourUsd'
    | 'pricePerHourMaxUsd'
    | 'thinkersMax'
    | 'idleS'
    | 'hours'
    | 'utcOffsetMinutes'
    | 'spending'
  >
> {
  const isGiven = given.perHourUsd !== undefined;
  return untilGood(ui, isGiven, async () => {
    const caps = await capsStep(given, ui, usual);
    const idle =
      given.idle ??
      (await ui.text({
        message: 'Give the last machine back after how long without a question?',
        initial: '15m',
        check: checkDuration,
      }));
    const hours = await hoursStep(given, ui);
    const pricePerHourMaxUsd = Math.min(
      caps.perHourUsd,
      given.gpuUsdPerHour ?? Math.ceil(usual.medianUsd * priceSlack * 100) / 100,
    );
    if (pricePerHourMaxUsd < usual.minUsd)
      throw new CliError(
        `the cheapest machine costs ${usd(usual.minUsd)} an hour, and at most ${usd(pricePerHourMaxUsd)} is allowed: nothing could be rented; raise --per-hour-usd or --gpu-usd-per-hour, or take a smaller model`,
      );
    const spending = spendingOf({
      pricePerHourUsd: usual.medianUsd,
      startDownloadUsd: (imageGb + needs.sizeGb) * usual.downUsdPerGb,
      caps,
      hours,
    });
    ui.say(describeSpending(spending, caps, hours, balanceUsd));
    return {
      caps,
      pricePerHourUsd: usual.medianUsd,
      pricePerHourMaxUsd,
      thinkersMax: Math.max(1, Math.min(thinkersMost, Math.floor(caps.perHourUsd / usual.medianUsd))),
      idleS: typeof idle === 'number' ? idle : parseDuration(idle),
      hours,
      utcOffsetMinutes: given.utcOffsetMinutes ?? (await outside.utcOffsetMinutes()),
      spending,
    };
  });
}

async function capsStep(given: Given, ui: Ui, { medianUsd }: Usual): Promise<Caps> {
  const ask = async (value: number | undefined, message: string, example: number) =>
    value ?? dollars(await ui.text({ message, example: String(Math.ceil(example * 100) / 100), check: checkUsd }));
  return {
    perHourUsd: await ask(
      given.perHourUsd,
      `At most how many dollars an hour, all machines together? (one: about ${usd(medianUsd)})`,
      medianUsd * 2,
    ),
    perDayUsd: await ask(given.perDayUsd, 'At most how many dollars a day?', medianUsd * 10),
    perMonthUsd: await ask(given.perMonthUsd, 'At most how many dollars a month?', medianUsd * 100),
    perRentalUsd: await ask(
      given.perRentalUsd,
      'At most how many dollars for one machine, from its rental to its end?',
      medianUsd * 8,
    ),
  };
}

async function hoursStep(given: Given, ui: Ui): Promise<WorkingHours> {
  const text =
    given.hours ??
    (await ui.text({
      message: `When should a machine be ready before anybody asks? (such as ${hoursExample}; on-demand: only when somebody asks)`,
      initial: 'on-demand',
      check: checkHours,
    }));
  const wrong = checkHours(text);
  if (wrong !== undefined) throw new CliError(`--hours is \`${text}\`; ${wrong}`);
  const schedule = parseSchedule(text);
  if (schedule !== undefined) return schedule;
  const hoursPerDay =
    given.hoursPerDay ??
    Number(
      await ui.text({
        message: 'About how many hours a day will it be in use? (for the estimate only)',
        initial: String(hoursPerDayGuess),
        check: (value) => (Number(value) >= 0 && Number(value) <= 24 ? undefined : 'expected 0 to 24'),
      }),
    );
  return { kind: 'on-demand', hoursPerDay };
}

export function describeSpending(spending: Spending, caps: Caps, hours: WorkingHours, balanceUsd: number): string {
  const when =
    hours.kind === 'on-demand'
      ? `${hours.hoursPerDay} h a day on demand`
      : `${hours.days.join(', ')} ${hours.from} to ${hours.to}`;
  const lasts = Math.floor(balanceUsd / spending.pricePerHourUsd);
  return [
    `at most ${usd(spending.dayMaxUsd)}/day and ${usd(spending.monthMaxUsd)}/month: the caps allow no more`,
    `about ${usd(spending.monthUsd)}/month at your hours (${when}: ${Math.round(spending.hoursPerMonth)} h a month of one machine)`,
    `first hour: about ${usd(spending.firstHourUsd)}; one machine ends at ${usd(caps.perRentalUsd)}; the account lasts for about ${lasts} h of one machine`,
  ].join('\n');
}
