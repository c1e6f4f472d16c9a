/** What the market sends, only the fields that are used, tolerant of null, absence and numbers in quotes. */
import { z } from 'zod';

const number = z
  .union([z.number(), z.string().transform(Number)])
  .nullish()
  .transform((value) => (value === null || value === undefined || !Number.isFinite(value) ? undefined : value));
/** Only shown: whatever is no number leaves it unknown, and never makes a list unknown. */
const reading = z
  .union([z.number(), z.string().trim().min(1).transform(Number)])
  .nullish()
  .catch(undefined)
  .transform((value) => (Number.isFinite(value) ? (value ?? undefined) : undefined));
const text = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .transform((value) => value ?? undefined);
const flag = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'boolean' ? value : value === 'true' || value === 1 || value === 'verified'));
const id = z.union([z.string().min(1), z.int()]).transform(String);

export const offerSchema = z.object({
  id,
  machine_id: text,
  host_id: text,
  gpu_name: text,
  num_gpus: number,
  gpu_ram: number,
  gpu_mem_bw: number,
  dph_total: number,
  storage_cost: number,
  storage_total_cost: number,
  inet_down_cost: number,
  inet_up_cost: number,
  inet_down: number,
  inet_up: number,
  disk_space: number,
  disk_bw: number,
  reliability: number,
  reliability2: number,
  direct_port_count: number,
  cuda_max_good: number,
  duration: number,
  geolocation: text,
  verification: text,
  vericode: number,
  verified: flag,
  hosting_type: number,
  end_date: number,
  rented: flag,
});
export type WireOffer = z.output<typeof offerSchema>;

/** `offers` is a list; one page of the documents shows a single object. */
export const searchSchema = z.object({
  offers: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown()).transform((one) => [one as unknown])]),
});

const portRows = z.array(z.object({ HostIp: text, HostPort: text }).nullish().catch(undefined));

export const instanceSchema = z.object({
  id,
  label: text,
  actual_status: text,
  cur_state: text,
  intended_status: text,
  status_msg: text,
  machine_id: text,
  host_id: text,
  gpu_name: text,
  gpu_util: reading,
  gpu_ram: reading,
  gpu_totalram: reading,
  vmem_usage: reading,
  public_ipaddr: text,
  ports: z.record(z.string(), portRows.nullish().catch(undefined)).nullish().catch(undefined),
  dph_total: number,
  storage_cost: number,
  storage_total_cost: number,
  disk_space: number,
  start_date: number,
  extra_env: z.unknown().optional(),
  onstart: text,
  jupyter_token: text,
  image_args: z.unknown().optional(),
});
export type WireInstance = z.output<typeof instanceSchema>;

/** Nothing here is optional: a list that does not say how much it lists is no list. */
export const listSchema = z.object({
  success: z.literal(true),
  total_instances: z.int().min(0),
  next_token: z.union([z.string().min(1), z.null()]).optional(),
  instances: z.array(z.unknown()),
});

export const oneSchema = z.object({ instances: z.unknown().optional() });

export const createSchema = z.object({ success: z.literal(true), new_contract: id });

export const logsSchema = z.object({ result_url: z.url() });

/** Of a stop or a start. */
export const changeSchema = z.object({ success: z.literal(true) });

/** An answer of which nothing but its success matters. */
export const anySchema = z.unknown();

export const accountSchema = z.object({ email: text, balance: number, credit: number });

const chargeRow = z.object({
  source: text,
  items: z.array(z.object({ type: text, amount: number })).nullish(),
  amount: number,
});
export type WireCharge = z.output<typeof chargeRow>;

export const chargesSchema = z.object({
  results: z.array(chargeRow),
  next_token: z
    .union([z.string(), z.number()])
    .nullish()
    .transform((token) => (token === null || token === undefined || token === '' ? undefined : String(token))),
});

const marketRow = z.object({
  gpu_name: text,
  name: text,
  price_p10: number,
  price_median: number,
  available: number,
});
export type WireMarketRow = z.output<typeof marketRow>;
const marketRows = z.array(marketRow);

/** A list of rows, or rows by name, under one of a few words: the documents do not agree. */
export const marketSchema = z
  .object({
    gpus: z.unknown().optional(),
    results: z.unknown().optional(),
    metrics: z.unknown().optional(),
    data: z.unknown().optional(),
  })
  .transform((answer, context): WireMarketRow[] => {
    const found = answer.gpus ?? answer.results ?? answer.metrics ?? answer.data;
    const rows = Array.isArray(found)
      ? (found as unknown[])
      : typeof found === 'object' && found !== null
        ? Object.entries(found).map(([name, row]) => ({ name, ...(row as object) }))
        : undefined;
    const parsed = marketRows.safeParse(rows);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: 'custom', message: 'no rows of prices' });
    return z.NEVER;
  });

export const errorSchema = z.object({
  error: z.unknown().optional(),
  msg: z.unknown().optional(),
  message: z.unknown().optional(),
  detail: z.unknown().optional(),
});
